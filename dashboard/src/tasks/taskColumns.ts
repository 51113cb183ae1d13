/** The columns of a job's tasks. Values that change are numbers, because they are compared ten times a second. */

import type { TaskStatus, TaskSummary } from '@/api/client'
import { ago, inFull } from '@/shared/ago'
import { countText } from '@/shared/bulkAction'
import type { Column } from '@/shared/table'

/** Active and failed tasks come first, since they are looked for most. */
export const STATUS_ORDER: readonly TaskStatus[] = [
  'active', 'failed', 'soft-failed', 'queued', 'paused', 'canceled', 'completed',
]

export function taskColumns(nameRank: (task: TaskSummary) => number): Column<TaskSummary>[] {
  return [
    { key: 'index', label: '#', width: '4rem', rank: 2, isNumber: true, value: (task) => task.index_in_job },
    { key: 'status', label: 'Status', width: '5rem', rank: 0, value: (task) => STATUS_ORDER.indexOf(task.status) },
    { key: 'name', label: 'Name', width: 'minmax(9rem, 1fr)', rank: 0, value: nameRank },
    { key: 'progress', label: 'Progress', width: '5.5rem', rank: 1, isNumber: true, value: share },
    { key: 'worker', label: 'Worker', width: 'minmax(6rem, 0.6fr)', rank: 3, value: (task) => task.worker?.name ?? '' },
    { key: 'type', label: 'Type', width: '6rem', rank: 5, value: (task) => task.task_type },
    { key: 'updated', label: 'Updated', width: '6.5rem', rank: 4, isNumber: true, value: (task) => Date.parse(task.updated) },
  ]
}

/** Such as `2 tasks stuck`. */
export const stuckCount = (count: number): string => `${countText(count, 'task')} stuck`

/** A task that is stuck, as a sentence. */
export const stuckText = (since: string): string =>
  `Stuck: the last sign of life was ${ago(since)} (${inFull(since)}).`

export function share(task: TaskSummary): number {
  return task.steps_total ? task.steps_completed / task.steps_total : 0
}
