/** The newest image of a job, or of the whole farm: fetched once, then told by events. */

import { onScopeDispose, ref, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export type Size = 'large' | 'small' | 'tiny'
type Info = Schemas['JobLastRenderedImageInfo']

/** Suffixes come from the largest to the smallest. */
const PLACE: Record<Size, number> = { large: 0, small: 1, tiny: 2 }
let count = 0

export interface LastImage {
  url: string
  jobId: string
}

/** An address that no cache has: the name of the file stays when the image changes. */
export function imageUrl(info: Info, size: Size): string {
  const suffix = info.suffixes[Math.min(PLACE[size], info.suffixes.length - 1)] ?? ''
  return `${info.base}/${suffix}?v=${Date.now()}-${++count}`
}

/** Without a job's id: the farm's newest. */
export function useLastRendered(jobId: () => string | undefined, size: () => Size): Ref<LastImage | undefined> {
  const image = ref<LastImage>()
  let request = 0

  function show(info: Info | undefined): void {
    image.value = info && { url: imageUrl(info, size()), jobId: info.base.split('/').pop() ?? '' }
  }

  async function load(): Promise<void> {
    const ours = ++request
    try {
      const info = await fetchInfo(jobId())
      if (ours === request) show(info)
    } catch (reason) {
      complain(reason)
    }
  }

  watch([jobId, size], ([id], _before, onCleanup) => {
    image.value = undefined
    onCleanup(onEvent(id ? `/jobs/${id}/last-rendered` : '/last-rendered', ({ payload }) => {
      request++ // what was fetched before is older
      show(payload.thumbnail as Info)
    }))
    void load()
  }, { immediate: true })
  onScopeDispose(onMissed(() => void load()))
  return image
}

async function fetchInfo(jobId: string | undefined): Promise<Info | undefined> {
  if (!jobId) return answered(api.GET('/api/v3/jobs/last-rendered'))
  return answered(api.GET('/api/v3/jobs/{job_id}/last-rendered', { params: { path: { job_id: jobId } } }))
}
