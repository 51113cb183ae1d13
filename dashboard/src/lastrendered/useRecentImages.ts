/** The newest image of each job that rendered recently, and the newest image of the farm. */

import { computed, onScopeDispose, ref, type ComputedRef, type Ref } from 'vue'
import { answered, api, type JobStatus } from '@/api/client'
import { onEvent, onMissed, type FarmEvent } from '@/api/events'
import { complain } from '@/shared/notices'
import { imageUrl, type ImageInfo } from './useLastRendered'

interface RecentImage {
  jobId: string
  name: string
  status: JobStatus
  large: string
  small: string
  shownAt: Date
}

export interface RecentImages {
  images: Ref<readonly RecentImage[]>
  newest: ComputedRef<RecentImage | undefined>
  isLoaded: Ref<boolean>
}

export function useRecentImages(): RecentImages {
  const images = ref<readonly RecentImage[]>([])
  const newestId = ref<string>()
  const isLoaded = ref(false)
  const newest = computed(() => images.value.find(({ jobId }) => jobId === newestId.value) ?? images.value[0])

  async function load(): Promise<void> {
    try {
      const { images: found } = await answered(api.GET('/api/tablao/v1/last-rendered'))
      images.value = found.map((image) => ({
        jobId: image.job_id,
        name: image.name,
        status: image.status,
        shownAt: new Date(image.shown_at),
        ...addresses(image),
      }))
      newestId.value = found[0]?.job_id
      isLoaded.value = true
    } catch (reason) {
      complain(reason)
    }
  }

  function change(id: unknown, changes: Partial<RecentImage>): void {
    images.value = images.value.map((image) => (image.jobId === id ? { ...image, ...changes } : image))
  }

  /** Images keep their places, so that an image does not move while a user looks at it. */
  function imageShown({ payload }: FarmEvent): void {
    const id = String(payload.job_id)
    if (!images.value.some(({ jobId }) => jobId === id)) return void load()
    change(id, { shownAt: new Date(), ...addresses(payload.thumbnail as ImageInfo) })
    newestId.value = id
  }

  function jobChanged({ topic, payload }: FarmEvent): void {
    if (topic !== '/jobs') return
    if (payload.was_deleted) images.value = images.value.filter(({ jobId }) => jobId !== payload.id)
    else if (payload.status) change(payload.id, { status: payload.status as JobStatus })
  }

  onScopeDispose(onEvent('/last-rendered', imageShown))
  onScopeDispose(onEvent('/jobs', jobChanged))
  onScopeDispose(onMissed(() => void load()))
  void load()
  return { images, newest, isLoaded }
}

function addresses(info: ImageInfo): { large: string; small: string } {
  return { large: imageUrl(info, 'large'), small: imageUrl(info, 'small') }
}
