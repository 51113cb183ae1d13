/** The columns of the list of jobs. */

import type { Job, JobStatus } from '@/api/client'
import type { Column } from '@/shared/table'
import type { TagNames } from '@/workers/tagStore'
import { facetOf, projectOf, userOf } from './jobQuery'
import { fractionDone } from './progress'

/** Sorted by status, running jobs come before waiting and finished ones. */
const RANKS = [
  'active', 'pause-requested', 'cancel-requested', 'requeueing', 'under-construction',
  'queued', 'paused', 'failed', 'canceled', 'completed',
] as const satisfies readonly JobStatus[]
export const STATUS_ORDER: readonly JobStatus[] = RANKS

export const JOB_COLUMNS = (tags: TagNames): Column<Job>[] => [
  { key: 'status', label: 'Status', isIcon: true, width: '2.25rem', value: (job) => STATUS_ORDER.indexOf(job.status) },
  { key: 'name', label: 'Name', width: 'minmax(10rem, 1fr)', value: (job) => job.name },
  { key: 'progress', label: 'Progress', width: '8rem', value: fractionDone },
  { key: 'type', label: 'Type', width: '11.5rem', value: (job) => job.type },
  { key: 'project', label: 'Project', width: '7.5rem', value: projectOf },
  { key: 'user', label: 'User', width: '6.5rem', value: userOf },
  { key: 'tag', label: 'Tag', width: '6rem', value: (job) => facetOf(job, 'tag', tags) },
  { key: 'priority', label: 'Priority', width: '5.5rem', value: (job) => job.priority, isNumber: true },
  { key: 'updated', label: 'Updated', width: '6.5rem', value: (job) => job.updated, isNumber: true },
]

/** The page's width in pixels at which a column leaves enough room for names. */
const NEEDED_WIDTH: Readonly<Record<string, number>> = {
  priority: 641, updated: 760, user: 860, project: 960, tag: 1_150, type: 1_280,
}

/** The columns that there is room for. Project, user and tag only if a job has one. */
export function shownColumns(jobs: readonly Job[], tags: TagNames, pageWidth: number): Column<Job>[] {
  const isUsed: Readonly<Record<string, boolean>> = {
    project: jobs.some(projectOf),
    user: jobs.some(userOf),
    tag: jobs.some((job) => job.worker_tag),
  }
  return JOB_COLUMNS(tags).filter(({ key }) => pageWidth >= (NEEDED_WIDTH[key] ?? 0) && (isUsed[key] ?? true))
}
