/** The tries of a task whose logs are kept. A new one is told by its first text. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { connection, onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export type LogOfTry = Schemas['LogOfTry']

/** The newest first; undefined until they are known. */
export function useLogTries(taskId: () => string): Readonly<Ref<readonly LogOfTry[] | undefined>> {
  const tries = shallowRef<readonly LogOfTry[]>()

  async function load(): Promise<void> {
    const id = taskId()
    try {
      const found = await answered(api.GET('/api/tablao/v1/tasks/{task_id}/log', { params: { path: { task_id: id } } }))
      if (id === taskId()) tries.value = found.tries
    } catch (reason) {
      complain(reason)
    }
  }

  watch(taskId, (id, _, onCleanup) => {
    // The manager sends the events of no other task's log.
    onCleanup(onEvent(`/tasklog/${id}`, ({ payload }) => {
      if (!tries.value?.some(({ attempt }) => attempt === payload.attempt)) void load()
    }))
    tries.value = undefined
    void load()
  }, { immediate: true })
  onScopeDispose(onMissed(() => void load()))
  watch(connection.isConnected, (isConnected) => isConnected && void load())
  return tries
}
