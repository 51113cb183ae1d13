/** The columns of the list of jobs. */

import type { Job, JobStatus } from '@/api/client'
import { JOB_LOOK } from '@/shared/statuses'
import type { Column } from '@/shared/table'
import { facetOf, projectOf, userOf, type TagNames } from './jobQuery'
import { fractionDone } from './progress'

/** Sorted by status, what happens comes before what has happened. */
const RANKS = [
  'active', 'pause-requested', 'cancel-requested', 'requeueing', 'under-construction',
  'queued', 'paused', 'failed', 'canceled', 'completed',
] as const satisfies readonly JobStatus[]
export const STATUS_ORDER: readonly JobStatus[] = RANKS

export const statusLabel = (status: string): string => JOB_LOOK[status as JobStatus]?.label ?? status

export const JOB_COLUMNS = (tags: TagNames): Column<Job>[] => [
  { key: 'status', label: '', width: '2.25rem', value: (job) => STATUS_ORDER.indexOf(job.status) },
  { key: 'name', label: 'Name', width: 'minmax(12rem, 1fr)', value: (job) => job.name },
  { key: 'progress', label: 'Progress', width: '8.5rem', value: fractionDone },
  { key: 'type', label: 'Type', width: '11rem', value: (job) => job.type, isMinor: true },
  { key: 'project', label: 'Project', width: '7.5rem', value: projectOf, isMinor: true },
  { key: 'user', label: 'User', width: '6.5rem', value: userOf, isMinor: true },
  { key: 'tag', label: 'Tag', width: '6rem', value: (job) => facetOf(job, 'tag', tags), isMinor: true },
  { key: 'priority', label: 'Priority', width: '5.5rem', value: (job) => job.priority, isNumber: true, isMinor: true },
  { key: 'updated', label: 'Updated', width: '6.5rem', value: (job) => job.updated, isNumber: true, isMinor: true },
]
