/** The farm's worker tags. */

import { computed, onScopeDispose, readonly, shallowRef, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'
import { sharedByPage } from '@/shared/sharedByPage'

export type WorkerTag = Schemas['WorkerTag']
/** By the tag's id. */
export type TagNames = ReadonlyMap<string, string>

export const useTags = sharedByPage((): Readonly<Ref<readonly WorkerTag[]>> => {
  const tags = shallowRef<readonly WorkerTag[]>([])

  async function refetch(): Promise<void> {
    try {
      tags.value = (await answered(api.GET('/api/v3/worker-mgt/tags'))).tags ?? []
    } catch (reason) {
      complain(reason)
    }
  }

  onScopeDispose(onEvent('/workertags', () => void refetch()))
  onScopeDispose(onMissed(() => void refetch()))
  void refetch()
  return readonly(tags) as Readonly<Ref<readonly WorkerTag[]>>
})

export const useTagNames = sharedByPage((): Readonly<Ref<TagNames>> => {
  const tags = useTags()
  return computed(() => new Map(tags.value.map((tag) => [tag.id ?? '', tag.name])))
})
