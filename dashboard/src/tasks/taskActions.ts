/** Requeue and cancel, of one task or of thousands. */

import { ref, type Ref } from 'vue'
import { answered, api, type TaskSummary } from '@/api/client'
import { complain, say } from '@/shared/notices'
import { TASK_ACTIONS } from '@/shared/statuses'

export type TaskAction = 'cancel' | 'requeue'

const AT_ONCE = 6
const REASON = 'Asked for in the dashboard'
const DONE: Record<TaskAction, string> = { cancel: 'canceled', requeue: 'requeued' }

export interface TaskActions {
  /** How many are still to be done; 0: nothing is going on. */
  left: Readonly<Ref<number>>
  act: (tasks: readonly TaskSummary[], action: TaskAction) => Promise<void>
}

export function possible(tasks: readonly TaskSummary[], action: TaskAction): TaskSummary[] {
  return tasks.filter((task) => TASK_ACTIONS[task.status].includes(action))
}

export function useTaskActions(): TaskActions {
  const left = ref(0)

  async function act(tasks: readonly TaskSummary[], action: TaskAction): Promise<void> {
    const queue = tasks.map((task) => task.id)
    const done: string[] = []
    const reasons: unknown[] = []
    left.value += queue.length
    const work = async (): Promise<void> => {
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
        await one(id, action).then(() => done.push(id), (reason: unknown) => reasons.push(reason))
        left.value--
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    tell(done.length, reasons, action)
  }

  return { left, act }
}

async function one(id: string, action: TaskAction): Promise<void> {
  const params = { path: { task_id: id } }
  await answered(api.POST('/api/tablao/v1/tasks/{task_id}/actions', { params, body: { action, reason: REASON } }))
}

function tell(done: number, reasons: readonly unknown[], action: TaskAction): void {
  if (done) say(`${counted(done)} ${DONE[action]}`)
  const [first] = reasons
  if (!first) return
  const why = first instanceof Error ? first.message : String(first)
  complain(`${counted(reasons.length)} could not be ${DONE[action]}: ${why}`)
}

export function counted(tasks: number): string {
  return tasks === 1 ? '1 task' : `${tasks.toLocaleString()} tasks`
}
