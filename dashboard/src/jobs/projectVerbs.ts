/** Pauses and resumes all jobs of a project, also those that filters hide. */

import type { Job } from '@/api/client'
import type { Verb } from '@/shared/verbs'
import { ACTIONS, act, jobsText, possible } from './jobActions'
import { projectOf } from './jobQuery'

/** `all`: all jobs of the farm. Empty for no project. */
export function projectVerbs(project: string, all: Iterable<Job>): Verb[] {
  if (!project) return []
  const ours = [...all].filter((job) => projectOf(job) === project)
  return (['pause', 'resume'] as const)
    .map((action) => ({ action, jobs: possible(ours, action) }))
    .filter(({ jobs }) => jobs.length)
    .map(({ action, jobs }) => ({
      key: `${action}-project`,
      label: `${ACTIONS[action].label} all of ${project} (${jobsText(jobs)})`,
      run: () => act(action, jobs),
    }))
}
