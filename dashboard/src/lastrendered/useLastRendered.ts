/** The newest image of a job: fetched once, then updated by events. */

import { onScopeDispose, ref, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export type Size = 'large' | 'small' | 'tiny'
export type ImageInfo = Schemas['JobLastRenderedImageInfo']

/** The manager lists suffixes from the largest image to the smallest. */
const PLACE: Record<Size, number> = { large: 0, small: 1, tiny: 2 }
let count = 0

/** An address that no cache has, because a new image has the same file name. */
export function imageUrl({ base, suffixes }: ImageInfo, size: Size): string {
  const suffix = suffixes[Math.min(PLACE[size], suffixes.length - 1)] ?? ''
  return `${base}/${suffix}?v=${Date.now()}-${++count}`
}

/** Undefined while there is no image. */
export function useLastRendered(jobId: () => string, size: () => Size): Ref<string | undefined> {
  const url = ref<string>()
  let request = 0

  async function load(): Promise<void> {
    const ours = ++request
    const path = { job_id: jobId() }
    try {
      const info = await answered(api.GET('/api/v3/jobs/{job_id}/last-rendered', { params: { path } }))
      if (ours === request) url.value = info && imageUrl(info, size())
    } catch (reason) {
      if (ours === request) complain(reason)
    }
  }

  watch([jobId, size], ([id], _before, onCleanup) => {
    url.value = undefined
    onCleanup(onEvent(`/jobs/${id}/last-rendered`, ({ payload }) => {
      request++ // an answer that is under way is older
      url.value = imageUrl(payload.thumbnail as ImageInfo, size())
    }))
    void load()
  }, { immediate: true })
  onScopeDispose(onMissed(() => void load()))
  return url
}
