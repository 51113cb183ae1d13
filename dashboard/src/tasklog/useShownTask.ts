/** A task by its id, kept current, with its job's name. */

import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'

interface ShownTask {
  task: Readonly<Ref<Schemas['Task'] | undefined>>
  /** The name of its job; the job's id until the name is known. */
  jobName: ComputedRef<string>
  /** Why the task cannot be shown, as a sentence; empty if it can. */
  refusal: Readonly<Ref<string>>
}

export function useShownTask(jobId: () => string, taskId: () => string): ShownTask {
  const task = shallowRef<Schemas['Task']>()
  const job = shallowRef<Schemas['Job']>()
  const refusal = shallowRef('')

  async function load(): Promise<void> {
    const id = taskId()
    const refused = (reason: unknown): void => void (refusal.value = reason instanceof Error ? reason.message : String(reason))
    const found = await answered(api.GET('/api/v3/tasks/{task_id}', { params: { path: { task_id: id } } })).catch(refused)
    if (found && id === taskId()) {
      task.value = found
      refusal.value = ''
    }
  }

  async function loadJob(id: string): Promise<void> {
    job.value = await answered(api.GET('/api/v3/jobs/{job_id}', { params: { path: { job_id: id } } }))
  }

  watch([jobId, taskId], ([id, shown], _, onCleanup) => {
    task.value = job.value = undefined
    onCleanup(onEvent(`/jobs/${id}`, ({ payload }) => {
      if (payload.id === shown) void load()
    }))
    void load()
    // Without its name the job is called by its id.
    void loadJob(id).catch(() => undefined)
  }, { immediate: true })
  onScopeDispose(onMissed(() => void load()))
  return { task, jobName: computed(() => job.value?.name ?? jobId()), refusal }
}
