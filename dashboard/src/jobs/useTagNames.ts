/** Worker tags' names by id. */

import { shallowRef, type Ref } from 'vue'
import { answered, api } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'
import type { TagNames } from './jobQuery'

const names = shallowRef<TagNames>(new Map())
let isStarted = false

export function useTagNames(): Readonly<Ref<TagNames>> {
  if (!isStarted) {
    isStarted = true
    onEvent('/workertags', () => void fetchTags())
    onMissed(() => void fetchTags())
    void fetchTags()
  }
  return names
}

async function fetchTags(): Promise<void> {
  try {
    const { tags } = await answered(api.GET('/api/v3/worker-mgt/tags'))
    names.value = new Map((tags ?? []).map((tag) => [tag.id ?? '', tag.name]))
  } catch (reason) {
    complain(reason)
  }
}
