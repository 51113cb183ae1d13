/** The tasks that an entry of reasons or warnings names. */

import type { Schemas, TaskSummary } from '@/api/client'

/** The most tasks that one entry names. */
const NAMED = 3

interface NamedTask {
  id: string
  name: string
  /** Such as ` on host1`; empty if another worker may have the task now. */
  where: string
}

export function named(like: Schemas['LikeTasks'], byId: ReadonlyMap<string, TaskSummary>): NamedTask[] {
  return like.task_ids.slice(0, NAMED).map((id) => {
    const task = byId.get(id)
    const isIts = task?.status === 'failed' || task?.status === 'soft-failed' || task?.status === 'completed'
    return { id, name: task?.name ?? 'a task', where: isIts && task.worker?.name ? ` on ${task.worker.name}` : '' }
  })
}

const ID_BESIDE_NAME = / \([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)/g

/** A sentence in which an id follows a name, without the id. */
export const withoutIds = (sentence: string): string => sentence.replace(ID_BESIDE_NAME, '')
