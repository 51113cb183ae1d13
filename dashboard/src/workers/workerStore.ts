/** All workers. */

import { onScopeDispose } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, type Payload } from '@/api/events'
import { useLiveCollection } from '@/shared/liveCollection'
import { sharedByPage } from '@/shared/sharedByPage'
import type { WorkerStatus } from '@/shared/statuses'

export type FarmWorker = Schemas['FarmWorker']

export const useWorkers = sharedByPage(() => {
  const workers = useLiveCollection<FarmWorker>({
    topic: () => '/workers',
    fetchAll: async () => (await answered(api.GET('/api/tablao/v1/workers'))).workers,
    fetchOne: (id) => answered(api.GET('/api/tablao/v1/workers/{worker_id}', { params: { path: { worker_id: id } } })),
    changed,
    isGone: (payload) => Boolean(payload.deleted_at),
    // Events do not tell a worker's tasks, tags and schedule.
    isPartlyTold: true,
  })
  // A worker has the names of its tags.
  onScopeDispose(onEvent('/workertags', () => void workers.refetch()))
  return workers
})

function changed(worker: FarmWorker, payload: Payload): FarmWorker {
  return {
    ...worker,
    name: String(payload.name),
    status: payload.status as WorkerStatus,
    status_change: (payload.status_change as FarmWorker['status_change'] | undefined) ?? null,
  }
}
