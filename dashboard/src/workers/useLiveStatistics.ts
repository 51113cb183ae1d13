/** The current statistics of a worker's machine, requested while they are shown and the page is in sight. */

import { onScopeDispose, readonly, shallowRef, watch, type Ref } from 'vue'
import { onEvent } from '@/api/events'
import { isPageInSight } from '@/shared/pageInSight'
import type { Statistics } from './machine'
import type { FarmWorker } from './workerStore'

export function useLiveStatistics(worker: () => FarmWorker, heard?: (told: Statistics) => void): Readonly<Ref<Statistics>> {
  const statistics = shallowRef<Statistics>(worker().statistics)
  let stop = (): void => undefined
  watch([() => worker().id, isPageInSight], ([id, isInSight]) => {
    stop()
    stop = (): void => undefined
    if (!isInSight) return
    stop = onEvent(`/workers/${id}/statistics`, ({ payload }) => {
      statistics.value = payload.statistics as Statistics
      heard?.(statistics.value)
    })
  }, { immediate: true })
  onScopeDispose(() => stop())
  return readonly(statistics)
}
