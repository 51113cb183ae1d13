/** What a worker's machine says of itself now, for as long as somebody looks. */

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
