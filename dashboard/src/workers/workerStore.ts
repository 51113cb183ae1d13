/** All workers, fetched once and kept current by their events. */

import { readonly, shallowRef, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed, type FarmEvent } from '@/api/events'
import { complain } from '@/shared/notices'
import type { WorkerStatus } from '@/shared/statuses'

export type FarmWorker = Schemas['FarmWorker']

/** More changed workers than this at once are fetched together with all the others. */
const FETCHED_ONE_BY_ONE = 8
/** Busy workers change with each task: so long is gathered what is fetched together. */
const GATHERED_MS = 400

export interface Workers {
  workers: Readonly<Ref<ReadonlyMap<string, FarmWorker>>>
  isLoaded: Readonly<Ref<boolean>>
  refetch: () => Promise<void>
}

const workers = shallowRef<ReadonlyMap<string, FarmWorker>>(new Map())
const isLoaded = shallowRef(false)
const changed = new Set<string>()
let isStarted = false
let isFetchDue = false

export function useWorkers(): Workers {
  if (!isStarted) {
    isStarted = true
    onEvent('/workers', (event) => event.topic === '/workers' && heard(event))
    // Names of tags are among what is told of a worker.
    onEvent('/workertags', () => fetchSoon())
    onMissed(() => void refetch())
    void refetch()
  }
  return { workers, isLoaded: readonly(isLoaded), refetch }
}

async function refetch(): Promise<void> {
  changed.clear()
  try {
    const found = await answered(api.GET('/api/tablao/v1/workers'))
    workers.value = new Map(found.workers.map((worker) => [worker.id, worker]))
    isLoaded.value = true
  } catch (reason) {
    complain(reason)
  }
}

/** What the event says counts at once; of its tasks, tags and schedule it does not tell. */
function heard({ payload }: FarmEvent): void {
  const id = String(payload.id)
  const known = new Map(workers.value)
  const worker = known.get(id)
  if (payload.deleted_at) {
    known.delete(id)
    workers.value = known
    return
  }
  if (worker) {
    known.set(id, {
      ...worker,
      name: String(payload.name),
      status: payload.status as WorkerStatus,
      status_change: (payload.status_change as FarmWorker['status_change'] | undefined) ?? null,
    })
    workers.value = known
  }
  fetchSoon(id)
}

/** All of them, if none is named. */
function fetchSoon(...ids: string[]): void {
  for (const id of ids.length ? ids : workers.value.keys()) changed.add(id)
  if (isFetchDue) return
  isFetchDue = true
  window.setTimeout(() => void fetchChanged(), GATHERED_MS)
}

async function fetchChanged(): Promise<void> {
  isFetchDue = false
  if (changed.size > FETCHED_ONE_BY_ONE) return refetch()
  const ids = [...changed]
  changed.clear()
  const found = await Promise.all(ids.map(fetchWorker))
  const known = new Map(workers.value)
  for (const worker of found) if (worker) known.set(worker.id, worker)
  workers.value = known
}

async function fetchWorker(id: string): Promise<FarmWorker | undefined> {
  try {
    const path = { worker_id: id }
    return await answered(api.GET('/api/tablao/v1/workers/{worker_id}', { params: { path } }))
  } catch {
    return undefined // deleted meanwhile
  }
}
