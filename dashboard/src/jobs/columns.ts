/** The columns of the list of jobs. */

import type { Job, JobStatus } from '@/api/client'
import type { Column } from '@/shared/table'
import type { TagNames } from '@/workers/tagStore'
import { facetOf, projectOf, userOf } from './jobQuery'
import { fractionDone } from './progress'
import type { TimesLeft } from './timesLeft'

/** Sorted by status, running jobs come before waiting and finished ones. */
const RANKS = [
  'active', 'pause-requested', 'cancel-requested', 'requeueing', 'under-construction',
  'queued', 'paused', 'failed', 'canceled', 'completed',
] as const satisfies readonly JobStatus[]
export const STATUS_ORDER: readonly JobStatus[] = RANKS

export const JOB_COLUMNS = (tags: TagNames, times: TimesLeft): Column<Job>[] => [
  { key: 'status', label: 'Status', isIcon: true, width: '2.25rem', value: (job) => STATUS_ORDER.indexOf(job.status) },
  { key: 'name', label: 'Name', width: 'minmax(10rem, 1fr)', value: (job) => job.name },
  { key: 'progress', label: 'Progress', width: '8rem', value: fractionDone },
  { key: 'left', label: 'Time left', width: '8rem', value: (job) => leftRank(job, times) },
  { key: 'type', label: 'Type', width: '11.5rem', value: (job) => job.type },
  { key: 'project', label: 'Project', width: '7.5rem', value: projectOf },
  { key: 'user', label: 'User', width: '6.5rem', value: userOf },
  { key: 'tag', label: 'Tag', width: '6rem', value: (job) => facetOf(job, 'tag', tags) },
  { key: 'priority', label: 'Priority', width: '5.5rem', value: (job) => job.priority, isNumber: true },
  { key: 'updated', label: 'Updated', width: '6.5rem', value: (job) => job.updated, isNumber: true },
]

/** Jobs that are not active come last, after those whose time is not known. */
function leftRank({ id, status }: Job, times: TimesLeft): number {
  if (status !== 'active') return Number.MAX_VALUE
  return times.get(id)?.latest_s ?? Number.MAX_SAFE_INTEGER
}

/** The page's width in pixels at which a column leaves enough room for names. */
const NEEDED_WIDTH: Readonly<Record<string, number>> = {
  left: 641, priority: 700, updated: 860, user: 960, project: 1_060, tag: 1_250, type: 1_400,
}

/** The columns that there is room for. Time left, project, user and tag only if a job has one. */
export function shownColumns(jobs: readonly Job[], tags: TagNames, times: TimesLeft, pageWidth: number): Column<Job>[] {
  const isUsed: Readonly<Record<string, boolean>> = {
    left: jobs.some(({ status }) => status === 'active'),
    project: jobs.some(projectOf),
    user: jobs.some(userOf),
    tag: jobs.some((job) => job.worker_tag),
  }
  return JOB_COLUMNS(tags, times).filter(({ key }) => pageWidth >= (NEEDED_WIDTH[key] ?? 0) && (isUsed[key] ?? true))
}

/** As the manager lists them. Rows come in another order where events were faster than the list. */
export function newestFirst(a: Job, b: Job): number {
  return compareMoments(b.created, a.created) || (a.id < b.id ? 1 : -1)
}

/** Two times of the manager. Their texts have an order without the `Z`, which follows fractions of any length. */
function compareMoments(a: string, b: string): number {
  const [one, other] = [a.replace('Z', ''), b.replace('Z', '')]
  return one === other ? 0 : one < other ? -1 : 1
}
