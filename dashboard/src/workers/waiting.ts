/** Lets workers in that wait, or refuses them. */

import { answered, api } from '@/api/client'
import { forEachRow, report } from '@/shared/bulkAction'
import { namesOf } from './workerActions'
import type { FarmWorker } from './workerStore'

export async function letIn(workers: readonly FarmWorker[]): Promise<void> {
  const outcome = await forEachRow(workers, ({ id }) => answered(api.POST('/api/tablao/v1/workers/{worker_id}/admit', { params: { path: { worker_id: id } } })))
  report(outcome, { named: namesOf, done: 'let in.' })
}

/** A refused worker is deleted. Its host may register again. */
export async function refuse(workers: readonly FarmWorker[]): Promise<void> {
  const outcome = await forEachRow(workers, ({ id }) => answered(api.DELETE('/api/v3/worker-mgt/workers/{worker_id}', { params: { path: { worker_id: id } } })))
  report(outcome, { named: namesOf, done: 'refused.' })
}
