/** A part of a worker's details, fetched when they are opened and when the worker changes. */

import { onScopeDispose, readonly, shallowRef, watch, type Ref } from 'vue'
import { complain } from '@/shared/notices'
import { onMissed } from '@/api/events'
import type { FarmWorker } from './workerStore'

export function useWorkerPart<T>(
  worker: () => FarmWorker, fetchPart: (workerId: string) => Promise<T>,
): { part: Readonly<Ref<T | undefined>>; refetch: () => Promise<void> } {
  const part = shallowRef<T>()
  let newest = 0

  async function refetch(): Promise<void> {
    const mine = ++newest
    try {
      const found = await fetchPart(worker().id)
      // Answers can arrive in another order.
      if (mine === newest) part.value = found
    } catch (reason) {
      complain(reason)
    }
  }

  watch(worker, () => void refetch(), { immediate: true })
  onScopeDispose(onMissed(() => void refetch()))
  return { part: readonly(part) as Readonly<Ref<T | undefined>>, refetch }
}
