/** The columns of the list of jobs. */

import type { Job, JobStatus } from '@/api/client'
import { numberText, type Column } from '@/shared/table'
import type { TagNames } from '@/workers/tagStore'
import { facetOf, projectOf, userOf } from './jobQuery'
import { countOf, fractionDone, taskCount } from './progress'
import type { TimesLeft, WorkersAt } from './timesLeft'

/** Sorted by status, running jobs come before waiting and finished ones. */
const RANKS = [
  'active', 'pause-requested', 'cancel-requested', 'requeueing', 'under-construction',
  'queued', 'paused', 'failed', 'canceled', 'completed',
] as const satisfies readonly JobStatus[]
export const STATUS_ORDER: readonly JobStatus[] = RANKS

/** What columns show that the jobs themselves do not have. */
export interface AroundJobs {
  tags: TagNames
  times: TimesLeft
  workers: WorkersAt
}

export const JOB_COLUMNS = ({ tags, times, workers }: AroundJobs): Column<Job>[] => [
  { key: 'status', label: 'Status', isIcon: true, width: '2.25rem', rank: 0, value: (job) => STATUS_ORDER.indexOf(job.status) },
  { key: 'name', label: 'Name', width: 'minmax(9rem, 1fr)', roomRem: 16, rank: 0, value: (job) => job.name },
  { key: 'progress', label: 'Progress', width: 'minmax(5.75rem, min(8.5rem, 24vw))', roomRem: 8.5, rank: 0, value: fractionDone },
  { key: 'running', label: 'Running', width: '5.25rem', rank: 6, isNumber: true, hint: 'Tasks that workers run now', value: (job) => countOf(job, 'active') },
  { key: 'done', label: 'Done', width: '6rem', rank: 5, isNumber: true, hint: 'Completed tasks, of all', value: (job) => countOf(job, 'completed') },
  { key: 'failed', label: 'Failed', width: '5rem', rank: 9, isNumber: true, hint: 'Failed tasks', value: (job) => countOf(job, 'failed') },
  { key: 'workers', label: 'Workers', width: '5.25rem', isNumber: true, hint: 'Slots of workers at the job', value: (job) => workers.get(job.id) ?? 0 },
  { key: 'left', label: 'Time left', width: '8rem', rank: 1, value: (job) => leftRank(job, times) },
  { key: 'frame', label: 'Frame time', width: '6.5rem', isNumber: true, hint: 'The average time of a frame', value: (job) => job.frame_s ?? 0 },
  { key: 'type', label: 'Type', width: '11.5rem', rank: 11, value: (job) => job.type },
  { key: 'project', label: 'Project', width: '7.5rem', rank: 7, value: projectOf },
  { key: 'user', label: 'User', width: '6rem', rank: 4, value: userOf },
  { key: 'tag', label: 'Tag', width: '6rem', rank: 8, value: (job) => facetOf(job, 'tag', tags) },
  { key: 'priority', label: 'Priority', width: '5.25rem', rank: 2, isNumber: true, value: (job) => job.priority },
  { key: 'age', label: 'Age', width: '5rem', rank: 10, isNumber: true, hint: 'Time since it was submitted', value: (job) => -Date.parse(job.created) },
  { key: 'submitted', label: 'Submitted', width: '9.5rem', isNumber: true, value: (job) => job.created },
  { key: 'updated', label: 'Updated', width: '6.5rem', rank: 3, isNumber: true, value: (job) => job.updated },
]

/** Jobs that are not active come last, after those whose time is not known. */
function leftRank({ id, status }: Job, times: TimesLeft): number {
  if (status !== 'active') return Number.MAX_VALUE
  return times.get(id)?.latest_s ?? Number.MAX_SAFE_INTEGER
}

/** Room in rem for a name and the reason why the job waits. */
const ROOM_WITH_REASONS = 26

/**
 * Without those that say nothing: time left, project, user, tag and failures are shown by themselves only if a job has one.
 *
 * `jobs`: all of the list, also those that filters hide. Else columns would come and go while a filter is typed.
 */
export function usedColumns(columns: readonly Column<Job>[], jobs: readonly Job[]): Column<Job>[] {
  const isUsed: Readonly<Record<string, boolean>> = {
    left: jobs.some(({ status }) => status === 'active'),
    project: jobs.some(projectOf),
    user: jobs.some(userOf),
    tag: jobs.some((job) => job.worker_tag),
    failed: jobs.some((job) => countOf(job, 'failed')),
  }
  const hasReasons = jobs.some((job) => job.waiting)
  return columns
    .filter(({ key }) => isUsed[key] ?? true)
    .map((column) => (column.key === 'name' && hasReasons ? { ...column, roomRem: ROOM_WITH_REASONS } : column))
}

/** Such as `12/40`; empty while it is not known. */
export const doneText = (job: Job): string => (taskCount(job) ? `${numberText(countOf(job, 'completed'))}/${numberText(taskCount(job))}` : '')

/** As the manager lists them. Rows come in another order where events were faster than the list. */
export function newestFirst(a: Job, b: Job): number {
  return compareMoments(b.created, a.created) || (a.id < b.id ? 1 : -1)
}

/** Two times of the manager. Their texts have an order without the `Z`, which follows fractions of any length. */
function compareMoments(a: string, b: string): number {
  const [one, other] = [a.replace('Z', ''), b.replace('Z', '')]
  return one === other ? 0 : one < other ? -1 : 1
}
