/** Opens the page that compares the frames of two jobs. */

import { useRouter } from 'vue-router'
import { answered, api, type Job } from '@/api/client'
import { framesToCompare, queryOf } from '@/compare/compareQuery'
import type { Frame } from '@/frames/useFrames'
import { complain } from '@/shared/notices'
import type { Verb } from '@/shared/verbs'

const WHY_NOT = 'Select two jobs to compare their frames'

export interface Comparer {
  verb: (jobs: readonly Job[]) => Verb
  compare: (jobs: readonly Job[]) => Promise<void>
}

export function useComparer(): Comparer {
  const router = useRouter()

  async function compare(jobs: readonly Job[]): Promise<void> {
    const [left, right, ...others] = inTime(jobs)
    if (!left || !right || others.length) return complain(`${WHY_NOT}.`)
    const sequences = await Promise.all([framesOf(left), framesOf(right)])
    const [one, other] = framesToCompare(...sequences)
    const query = queryOf({ left: { jobId: left.id, frame: one, version: '' }, right: { jobId: right.id, frame: other, version: '' }, mode: 'side' })
    await router.push({ name: 'compare', query })
  }

  const verb = (jobs: readonly Job[]): Verb => {
    const isPossible = jobs.length === 2
    return { key: 'compare', label: 'Compare', isDisabled: !isPossible, title: isPossible ? undefined : WHY_NOT, run: () => compare(jobs) }
  }
  return { verb, compare }
}

/** The older job is on the left, as what was before a change. */
const inTime = (jobs: readonly Job[]): Job[] => [...jobs].sort((a, b) => Date.parse(a.created) - Date.parse(b.created))

/** Without an answer the page still opens, and says there what is missing. */
async function framesOf({ id }: Job): Promise<readonly Frame[]> {
  const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/frames', { params: { path: { job_id: id } } })).catch(() => undefined)
  return found?.frames ?? []
}
