/** The ways to requeue a job, in words and numbers. */

import type { Schemas, TaskStatus } from '@/api/client'
import { countText } from '@/shared/bulkAction'
import { TASK_LOOK } from '@/shared/statuses'
import { STATUS_ORDER } from '@/tasks/taskColumns'

export type Requeueing = 'requeue' | 'requeue-failed'
type Tasks = Schemas['PossibleAction']['tasks']

export interface Way {
  action: Requeueing
  /** How many tasks run again. */
  count: number
  text: string
}

/** The requeues that are possible and run a task again; the one that leaves nothing unfinished first. */
export function waysOf(possible: Schemas['PossibleActions']): Way[] {
  return (['requeue', 'requeue-failed'] as const).flatMap((action) => {
    const tasks = possible.actions.find((each) => each.action === action)?.tasks ?? {}
    const count = Object.values(tasks).reduce((sum, each) => sum + each, 0)
    return count ? [{ action, count, text: wayText(action, tasks) }] : []
  })
}

function wayText(action: Requeueing, tasks: Tasks): string {
  if (action === 'requeue-failed') return `Only what failed${tasks.canceled ? ', and what was canceled because of it' : ''}: ${tasksText(tasks)}.`
  // Only a completed job runs finished tasks again.
  if (tasks.completed) return `All of it: ${tasksText(tasks)}. They will run again.`
  return `Everything that is not finished: ${tasksText(tasks)}. Finished tasks stay as they are.`
}

/** Such as `1 failed and 4 canceled tasks`. */
function tasksText(tasks: Tasks): string {
  const found = STATUS_ORDER.filter((status) => tasks[status])
  const parts = found.map((status) => `${(tasks[status] ?? 0).toLocaleString()} ${TASK_LOOK[status].label}`)
  const last = parts.pop()
  const before = parts.length ? `${parts.join(', ')} and ` : ''
  return `${before}${last} task${found.length === 1 && tasks[found[0] as TaskStatus] === 1 ? '' : 's'}`
}

/** Such as `5 tasks run again`. */
export const againText = (count: number): string => `${countText(count, 'task')} run${count === 1 ? 's' : ''} again`
