/** The newest image of each job that rendered lately. */

import { onScopeDispose, ref, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'
import { imageUrl } from './useLastRendered'

export interface RecentImage {
  jobId: string
  name: string
  status: Schemas['JobStatus']
  url: string
  shownAt: Date
}

export interface RecentImages {
  images: Ref<readonly RecentImage[]>
  isLoaded: Ref<boolean>
}

export function useRecentImages(): RecentImages {
  const images = ref<readonly RecentImage[]>([])
  const isLoaded = ref(false)

  async function load(): Promise<void> {
    try {
      const { images: found } = await answered(api.GET('/api/tablao/v1/last-rendered'))
      images.value = found.map((image) => ({
        jobId: image.job_id,
        name: image.name,
        status: image.status,
        url: imageUrl(image, 'small'),
        shownAt: new Date(image.shown_at),
      }))
      isLoaded.value = true
    } catch (reason) {
      complain(reason)
    }
  }

  /** In its place: what is looked at does not move away because another job rendered a frame. */
  function heard(jobId: string, info: Schemas['JobLastRenderedImageInfo']): void {
    if (!images.value.some((image) => image.jobId === jobId)) return void load()
    const url = imageUrl(info, 'small')
    images.value = images.value.map((image) =>
      image.jobId === jobId ? { ...image, url, shownAt: new Date() } : image,
    )
  }

  onScopeDispose(onEvent('/last-rendered', ({ payload }) =>
    heard(String(payload.job_id), payload.thumbnail as Schemas['JobLastRenderedImageInfo'])))
  onScopeDispose(onEvent('/jobs', ({ topic, payload }) => {
    if (topic !== '/jobs') return
    if (payload.was_deleted) images.value = images.value.filter((image) => image.jobId !== payload.id)
    else images.value = images.value.map((image) =>
      image.jobId === payload.id ? { ...image, status: payload.status as Schemas['JobStatus'] } : image)
  }))
  onScopeDispose(onMissed(() => void load()))
  void load()
  return { images, isLoaded }
}
