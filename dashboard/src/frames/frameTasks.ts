/** Which task renders which frame of a job. Fetched again, after a pause, when more tasks are completed. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { complain } from '@/shared/notices'

export type FrameTasks = Schemas['FrameTasks']

const PAUSE_MS = 4_000

export function useFrameTasks(jobId: () => string, completed: () => number): Readonly<Ref<FrameTasks | undefined>> {
  const found = shallowRef<FrameTasks>()
  let timer: number | undefined

  async function load(): Promise<void> {
    timer = undefined
    const id = jobId()
    const answer = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/frame-tasks', { params: { path: { job_id: id } } }))
    if (id === jobId()) found.value = answer
  }

  watch(jobId, () => {
    found.value = undefined
    void load().catch(complain)
  }, { immediate: true })
  watch(completed, () => {
    timer ??= window.setTimeout(() => void load().catch(complain), PAUSE_MS)
  })
  onScopeDispose(() => window.clearTimeout(timer))
  return found
}

/** The index of the task that renders a frame, by the frame. */
export function indexByFrame(found: FrameTasks | undefined): Map<number, number> {
  return new Map((found?.tasks ?? []).flatMap(({ index_in_job: index, frames }) => frames.map((frame) => [frame, index] as const)))
}
