/** A task's commands and tries, which the list of tasks lacks. Fetched again when its status or worker changes, or why its job waits. */

import { computed, onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas, type TaskSummary } from '@/api/client'
import { useJobs } from '@/jobs/jobStore'
import { complain } from '@/shared/notices'

/** The manager may still store a worker's report for so long after the task's end. */
const AFTERWARDS_MS = 2_000

interface OneTask {
  task: Readonly<Ref<Schemas['Task'] | undefined>>
  tries: Readonly<Ref<Schemas['TaskTries'] | undefined>>
}

export function useTask(row: () => TaskSummary): OneTask {
  const task = shallowRef<Schemas['Task']>()
  const tries = shallowRef<Schemas['TaskTries']>()
  const jobs = useJobs()

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
  const job = computed(() => jobs.rows.value.get(task.value?.job_id ?? ''))
  let timer: number | undefined
  watch(() => [row().id, row().status, row().worker?.id] as const, ([id], before) => {
    void load(id).catch(complain)
    window.clearTimeout(timer)
    if (before?.[0] === id && before[1] === 'active') timer = window.setTimeout(() => void load(id).catch(complain), AFTERWARDS_MS)
  }, { immediate: true })
  watch(() => job.value?.waiting, () => void load(row().id).catch(complain))
  onScopeDispose(() => window.clearTimeout(timer))
  return { task, tries }
}
