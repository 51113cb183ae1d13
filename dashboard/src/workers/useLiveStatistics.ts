/** The current statistics of a worker's machine, requested while they are shown. */

import { onScopeDispose, readonly, shallowRef, type Ref } from 'vue'
import { onEvent } from '@/api/events'
import type { Statistics } from './machine'
import type { FarmWorker } from './workerStore'

export function useLiveStatistics(worker: () => FarmWorker, heard?: (told: Statistics) => void): Readonly<Ref<Statistics>> {
  const statistics = shallowRef<Statistics>(worker().statistics)
  const stop = onEvent(`/workers/${worker().id}/statistics`, ({ payload }) => {
    statistics.value = payload.statistics as Statistics
    heard?.(statistics.value)
  })
  onScopeDispose(stop)
  return readonly(statistics)
}
