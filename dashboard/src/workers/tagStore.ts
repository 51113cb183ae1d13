/** The farm's worker tags, kept current by their events. */

import { readonly, shallowRef, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export type WorkerTag = Schemas['WorkerTag']

const tags = shallowRef<readonly WorkerTag[]>([])
let isStarted = false

export function useTags(): Readonly<Ref<readonly WorkerTag[]>> {
  if (!isStarted) {
    isStarted = true
    onEvent('/workertags', () => void refetch())
    onMissed(() => void refetch())
    void refetch()
  }
  return readonly(tags) as Readonly<Ref<readonly WorkerTag[]>>
}

async function refetch(): Promise<void> {
  try {
    tags.value = (await answered(api.GET('/api/v3/worker-mgt/tags'))).tags ?? []
  } catch (reason) {
    complain(reason)
  }
}
