/** A job's history; fetched again when its status changes or a task fails. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

const PAUSE_MS = 1_000
const NOTED = ['failed', 'soft-failed']

export function useHistory(jobId: () => string): Readonly<Ref<Schemas['JobHistory'] | undefined>> {
  const history = shallowRef<Schemas['JobHistory']>()
  let timer: number | undefined

  async function load(): Promise<void> {
    timer = undefined
    const id = jobId()
    const params = { path: { job_id: id } }
    const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/history', { params }))
    if (id === jobId()) history.value = found
  }

  const loadSoon = (): void => {
    timer ??= window.setTimeout(() => void load().catch(complain), PAUSE_MS)
  }
  onScopeDispose(onEvent('/jobs', ({ topic, payload }) => {
    const isOfJob = topic === '/jobs' && payload.id === jobId() && (payload.previous_status !== undefined || payload.are_overrides_changed)
    const isFailure = topic === `/jobs/${jobId()}` && NOTED.includes(String(payload.status))
    if (isOfJob || isFailure) loadSoon()
  }))
  onScopeDispose(onMissed(loadSoon))
  onScopeDispose(() => window.clearTimeout(timer))
  watch(jobId, () => {
    history.value = undefined
    void load().catch(complain)
  }, { immediate: true })
  return history
}
