/** The farm's status, kept current by its events. */

import { onScopeDispose, readonly, ref, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { sharedByPage } from '@/shared/sharedByPage'

export type FarmStatus = Schemas['FarmStatus']

export const useFarmStatus = sharedByPage((): Readonly<Ref<FarmStatus>> => {
  const status = ref<FarmStatus>('unknown')

  async function fetchStatus(): Promise<void> {
    status.value = (await answered(api.GET('/api/v3/status'))).status
  }

  onScopeDispose(onEvent('/status', (event) => {
    status.value = event.payload.status as FarmStatus
  }))
  onScopeDispose(onMissed(() => void fetchStatus().catch(() => undefined)))
  void fetchStatus().catch(() => undefined)
  return readonly(status)
})
