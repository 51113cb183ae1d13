/** The tasks that match the filters, in order. A lock keeps the same rows in the same order. */

import { computed, shallowRef, type Ref } from 'vue'
import type { TaskStatus, TaskSummary } from '@/api/client'
import { inOrder, type Column, type Sort } from '@/shared/table'

export interface ShownTasks {
  rows: Readonly<Ref<readonly TaskSummary[]>>
  isLocked: Readonly<Ref<boolean>>
  setLocked: (isWanted: boolean) => void
}

export interface TaskFilter {
  text: string
  status: TaskStatus | ''
}

export function useShownTasks(
  tasks: () => readonly TaskSummary[],
  columns: () => readonly Column<TaskSummary>[],
  sort: Ref<Sort>,
  filter: () => TaskFilter,
): ShownTasks {
  const locked = shallowRef<readonly string[]>()
  const live = computed(() => inOrder(matching(tasks(), filter()), columns(), sort.value))
  const rows = computed(() => (locked.value ? found(tasks(), locked.value) : live.value))

  function setLocked(isWanted: boolean): void {
    locked.value = isWanted ? live.value.map((task) => task.id) : undefined
  }

  return { rows, isLocked: computed(() => locked.value !== undefined), setLocked }
}

function matching(tasks: readonly TaskSummary[], { text, status }: TaskFilter): readonly TaskSummary[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (!words.length && !status) return tasks
  return tasks.filter((task) => {
    if (status && task.status !== status) return false
    const content = `${task.name} ${task.task_type} ${task.worker?.name ?? ''}`.toLowerCase()
    return words.every((word) => content.includes(word))
  })
}

/** The tasks with these ids, in that order. Deleted tasks are left out. */
function found(tasks: readonly TaskSummary[], ids: readonly string[]): TaskSummary[] {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  return ids.map((id) => byId.get(id)).filter((task) => task !== undefined)
}
