/** Requeues and cancels tasks, one or thousands. */

import { ref, type Ref } from 'vue'
import { answered, api, type TaskSummary } from '@/api/client'
import { TASK_ACTIONS, type TaskAction } from '@/shared/actions.gen'
import { countText, forEachRow, report } from '@/shared/bulkAction'

const REASON = 'Asked for in the dashboard'
const DONE: Record<TaskAction, string> = { cancel: 'canceled', requeue: 'requeued' }

export interface TaskActions {
  /** How many requests have no answer yet; 0: no action is under way. */
  left: Readonly<Ref<number>>
  act: (tasks: readonly TaskSummary[], action: TaskAction) => Promise<void>
}

export function possible(tasks: readonly TaskSummary[], action: TaskAction): TaskSummary[] {
  return tasks.filter((task) => TASK_ACTIONS[task.status].includes(action))
}

export function useTaskActions(): TaskActions {
  const left = ref(0)

  async function act(tasks: readonly TaskSummary[], action: TaskAction): Promise<void> {
    left.value += tasks.length
    const outcome = await forEachRow(tasks, (task) => send(task.id, action), () => left.value--)
    report(outcome, { named: tasksText, done: DONE[action] })
  }

  return { left, act }
}

async function send(id: string, action: TaskAction): Promise<void> {
  const params = { path: { task_id: id } }
  await answered(api.POST('/api/tablao/v1/tasks/{task_id}/actions', { params, body: { action, reason: REASON } }))
}

const tasksText = (tasks: readonly TaskSummary[]): string => countText(tasks.length, 'task')
