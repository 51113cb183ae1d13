/** What is not in the list of tasks: a task's commands, its tries; fetched again when it moves. */

import { shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas, type TaskSummary } from '@/api/client'
import { complain } from '@/shared/notices'

interface OneTask {
  task: Readonly<Ref<Schemas['Task'] | undefined>>
  tries: Readonly<Ref<Schemas['TaskTries'] | undefined>>
}

export function useTask(row: () => TaskSummary): OneTask {
  const task = shallowRef<Schemas['Task']>()
  const tries = shallowRef<Schemas['TaskTries']>()

  async function load(id: string): Promise<void> {
    const params = { path: { task_id: id } }
    const found = await Promise.all([
      answered(api.GET('/api/v3/tasks/{task_id}', { params })),
      answered(api.GET('/api/tablao/v1/tasks/{task_id}/tries', { params })),
    ])
    if (row().id === id) [task.value, tries.value] = found
  }

  watch(() => row().id, () => {
    task.value = undefined
    tries.value = undefined
  })
  watch(() => [row().id, row().status, row().worker?.id] as const, ([id]) => void load(id).catch(complain), { immediate: true })
  return { task, tries }
}
