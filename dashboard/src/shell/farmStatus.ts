/** The farm's status, kept current by its events. */

import { readonly, ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'

export type FarmStatus = Schemas['FarmStatus']

const status = ref<FarmStatus>('unknown')

export const farmStatus = readonly(status)

async function fetchStatus(): Promise<void> {
  status.value = (await answered(api.GET('/api/v3/status'))).status
}

onEvent('/status', (event) => {
  status.value = event.payload.status as FarmStatus
})
onMissed(() => void fetchStatus().catch(() => undefined))
void fetchStatus().catch(() => undefined)
