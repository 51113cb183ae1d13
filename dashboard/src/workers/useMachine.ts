/** The statistics of a machine in the last hour, kept current. */

import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref } from 'vue'
import { answered, api } from '@/api/client'
import { onMissed } from '@/api/events'
import { complain } from '@/shared/notices'
import { metersOf, pointOf, pointOfSample, type Meter, type Point } from './machine'
import { useLiveStatistics } from './useLiveStatistics'
import type { FarmWorker } from './workerStore'

export const HOUR_MS = 3_600_000
const TICK_MS = 5_000

export interface Machine {
  points: Readonly<Ref<readonly Point[]>>
  meters: ComputedRef<Meter[]>
  /** The time at the right end of graphs, in milliseconds. */
  now: Readonly<Ref<number>>
}

export function useMachine(worker: () => FarmWorker): Machine {
  const points = shallowRef<readonly Point[]>([])
  const now = ref(Date.now())
  const statistics = useLiveStatistics(worker, (told) => {
    now.value = Date.now()
    points.value = [...points.value.filter((point) => point.atMs > now.value - HOUR_MS), pointOf(told, now.value)]
  })

  async function refetch(): Promise<void> {
    const params = { path: { worker_id: worker().id } }
    try {
      const found = await answered(api.GET('/api/tablao/v1/workers/{worker_id}/statistics', { params }))
      const past = found.samples.map(pointOfSample)
      const last = past.at(-1)?.atMs ?? 0
      points.value = [...past, ...points.value.filter((point) => point.atMs > last)]
    } catch (reason) {
      complain(reason)
    }
  }

  void refetch()
  const timer = window.setInterval(() => (now.value = Date.now()), TICK_MS)
  const stop = onMissed(() => void refetch())
  onScopeDispose(() => {
    window.clearInterval(timer)
    stop()
  })
  return { points, meters: computed(() => metersOf(statistics.value)), now }
}
