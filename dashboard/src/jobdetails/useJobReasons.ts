/** Why tasks of a job failed or wait, like reasons together. Fetched again when tasks change their status. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Job, type Schemas } from '@/api/client'
import { complain } from '@/shared/notices'

export type JobReasons = Schemas['JobReasons']

const PAUSE_MS = 2_000

export function useJobReasons(job: () => Job, counts: () => unknown): Readonly<Ref<JobReasons | undefined>> {
  const reasons = shallowRef<JobReasons>()
  let timer: number | undefined

  async function load(): Promise<void> {
    timer = undefined
    const { id, delete_requested_at: isGoing } = job()
    // The job may be gone before the answer comes.
    if (isGoing) return
    const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/reasons', { params: { path: { job_id: id } } }))
    if (id === job().id) reasons.value = found
  }

  watch(() => job().id, () => {
    reasons.value = undefined
    void load().catch(complain)
  }, { immediate: true })
  watch([counts, () => job().waiting], () => {
    timer ??= window.setTimeout(() => void load().catch(complain), PAUSE_MS)
  })
  onScopeDispose(() => window.clearTimeout(timer))
  return reasons
}
