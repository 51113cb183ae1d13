/** The durations of a job's completed tasks. While tasks complete, they are fetched again every few seconds. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { complain } from '@/shared/notices'

export type JobTimes = Schemas['JobTimes']

const PAUSE_MS = 4_000

export function useJobTimes(jobId: () => string, completed: () => number): Readonly<Ref<JobTimes | undefined>> {
  const times = shallowRef<JobTimes>()
  let timer: number | undefined

  async function load(): Promise<void> {
    timer = undefined
    const id = jobId()
    const params = { path: { job_id: id } }
    const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/statistics', { params }))
    if (id === jobId()) times.value = found
  }

  watch(jobId, () => {
    times.value = undefined
    void load().catch(complain)
  }, { immediate: true })
  watch(completed, () => {
    timer ??= window.setTimeout(() => void load().catch(complain), PAUSE_MS)
  })
  onScopeDispose(() => window.clearTimeout(timer))
  return times
}
