/** The columns of the table of workers. Cards are sorted by them, too. */

import type { Column } from '@/shared/table'
import { metersOf } from './machine'
import { KINDS, kindOf, lastSeenMs } from './workerWords'
import type { FarmWorker } from './workerStore'

/** The columns that show a machine's load, with the meters of each. */
export const LOADS: Readonly<Record<string, RegExp>> = { cpu: /^cpu$/, memory: /^memory$/, gpu: /^gpu\d+$/ }

export const WORKER_COLUMNS: readonly Column<FarmWorker>[] = [
  { key: 'name', label: 'Name', width: 'minmax(8rem, 2fr)', rank: 0, value: (worker) => worker.name },
  { key: 'state', label: 'Status', width: 'minmax(7rem, 1.6fr)', rank: 0, value: (worker) => KINDS.indexOf(kindOf(worker)) },
  { key: 'task', label: 'Current task', width: 'minmax(9rem, 2.5fr)', rank: 1, value: (worker) => worker.tasks[0]?.job_name ?? '' },
  { key: 'since', label: 'Task time', width: '6rem', rank: 2, isNumber: true, hint: 'Time on the current task', value: (worker) => -Date.parse(beganAt(worker) ?? '9999') },
  { key: 'cpu', label: 'CPU', width: '6rem', rank: 4, value: (worker) => loadOf(worker, 'cpu') },
  { key: 'memory', label: 'Memory', width: '6rem', rank: 5, value: (worker) => loadOf(worker, 'memory') },
  { key: 'gpu', label: 'GPU', width: '6rem', rank: 6, hint: 'The busiest one', value: (worker) => loadOf(worker, 'gpu') },
  { key: 'tags', label: 'Tags', width: 'minmax(6rem, 1.2fr)', rank: 3, value: tagNames },
  { key: 'seen', label: 'Last seen', width: '7rem', rank: 7, value: (worker) => -lastSeenMs(worker) },
  { key: 'version', label: 'Version', width: 'minmax(7rem, 0.8fr)', value: (worker) => worker.version },
  { key: 'address', label: 'Address', width: 'minmax(6rem, 0.9fr)', value: (worker) => worker.ip_address },
  { key: 'slots', label: 'Slots', width: '4.5rem', isNumber: true, value: (worker) => worker.slots },
]

/** Without the load of GPUs where no worker has one that it can measure. */
export function usedColumns(workers: Iterable<FarmWorker>): readonly Column<FarmWorker>[] {
  const hasGpu = [...workers].some((worker) => loadOf(worker, 'gpu') >= 0)
  return WORKER_COLUMNS.filter(({ key }) => key !== 'gpu' || hasGpu)
}

/** When the oldest of its tasks began; undefined without a task. */
export function beganAt(worker: FarmWorker): string | undefined {
  return worker.tasks.map((task) => task.started_at).filter((begun) => begun != null).sort()[0]
}

/** As the list was last fetched: rows do not change places while one looks at the meters. */
function loadOf(worker: FarmWorker, column: string): number {
  const ours = worker.is_connected ? metersOf(worker.statistics).filter(({ key }) => LOADS[column]?.test(key)) : []
  return Math.max(-1, ...ours.map(({ percent }) => percent))
}

export function tagNames(worker: FarmWorker): string {
  return worker.tags.map((tag) => tag.name).join(', ')
}
