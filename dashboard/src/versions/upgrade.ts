/** Orders workers to install the manager's version. */

import { answered, api } from '@/api/client'
import { countText, forEachRow, report } from '@/shared/bulkAction'
import type { VersionedWorker, Versions } from './words'

/** Those of a version's workers that can be ordered now. */
export function upgradable({ standing, workers }: Versions['workers'][number]): readonly VersionedWorker[] {
  if (standing !== 'older') return []
  return workers.filter((worker) => worker.can_upgrade && worker.status !== 'offline' && (worker.upgrade?.state ?? 'failed') === 'failed')
}

/** Sends the order to each worker, and reports. */
export async function upgrade(workers: readonly VersionedWorker[]): Promise<void> {
  const outcome = await forEachRow(workers, ({ id }) =>
    answered(api.POST('/api/tablao/v1/workers/{worker_id}/upgrade', { params: { path: { worker_id: id } } })),
  )
  report(outcome, { named: (rows) => (rows.length === 1 ? rows[0]!.name : countText(rows.length, 'worker')), done: outcome.done.length === 1 ? 'installs the manager’s version.' : 'install the manager’s version.' })
}
