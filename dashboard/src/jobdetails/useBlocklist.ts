/** A job's blocklist. There are no events about it, so it is fetched again when the job changes. */

import { onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain, say } from '@/shared/notices'

type Entry = Schemas['JobBlocklistEntry']

const PAUSE_MS = 2_000

interface Blocklist {
  entries: Readonly<Ref<readonly Entry[]>>
  isBusy: Readonly<Ref<boolean>>
  forgive: (entries: readonly Entry[]) => Promise<void>
}

export function useBlocklist(jobId: () => string): Blocklist {
  const entries = shallowRef<readonly Entry[]>([])
  const isBusy = ref(false)
  let timer: number | undefined

  async function load(): Promise<void> {
    timer = undefined
    const id = jobId()
    const params = { path: { job_id: id } }
    const found = await answered(api.GET('/api/v3/jobs/{job_id}/blocklist', { params }))
    if (id === jobId()) entries.value = found
  }

  async function forgive(forgiven: readonly Entry[]): Promise<void> {
    isBusy.value = true
    const params = { path: { job_id: jobId() } }
    try {
      await answered(api.DELETE('/api/v3/jobs/{job_id}/blocklist', { params, body: [...forgiven] }))
      say(`Forgiven: ${forgiven.map((entry) => entry.worker_name ?? entry.worker_id).join(', ')}`)
      await load()
    } catch (reason) {
      complain(reason)
    } finally {
      isBusy.value = false
    }
  }

  const loadSoon = (): void => {
    timer ??= window.setTimeout(() => void load().catch(complain), PAUSE_MS)
  }
  onScopeDispose(onEvent('/jobs', ({ topic, payload }) => {
    if (topic === '/jobs' && payload.id === jobId()) loadSoon()
  }))
  onScopeDispose(onMissed(loadSoon))
  onScopeDispose(() => window.clearTimeout(timer))
  watch(jobId, () => {
    entries.value = []
    void load().catch(complain)
  }, { immediate: true })
  return { entries, isBusy, forgive }
}
