/** The columns of the table of workers. Cards are sorted by them, too. */

import type { Column } from '@/shared/table'
import { KINDS, kindOf, lastSeenMs } from './workerWords'
import type { FarmWorker } from './workerStore'

export const WORKER_COLUMNS: readonly Column<FarmWorker>[] = [
  { key: 'name', label: 'Name', width: 'minmax(9rem, 2fr)', value: (worker) => worker.name },
  { key: 'state', label: 'Status', width: 'minmax(7rem, 1.6fr)', value: (worker) => KINDS.indexOf(kindOf(worker)) },
  { key: 'task', label: 'Current task', width: 'minmax(9rem, 2fr)', value: (worker) => worker.tasks[0]?.job_name ?? '' },
  { key: 'tags', label: 'Tags', width: 'minmax(6rem, 1.2fr)', value: tagNames, isMinor: true },
  { key: 'seen', label: 'Last seen', width: '8rem', value: (worker) => -lastSeenMs(worker), isMinor: true },
  { key: 'version', label: 'Version', width: 'minmax(7rem, 0.8fr)', value: (worker) => worker.version, isMinor: true },
  { key: 'address', label: 'Address', width: 'minmax(6rem, 0.9fr)', value: (worker) => worker.ip_address, isMinor: true },
  { key: 'slots', label: 'Slots', width: '4.5rem', value: (worker) => worker.slots, isNumber: true, isMinor: true },
]

const TASK_FROM_PX = 520
const MINOR_FROM_PX = 900

/** On a phone, name and status. The task is in the worker's details, too. */
export function shownColumns(widthPx: number): Column<FarmWorker>[] {
  return WORKER_COLUMNS.filter(({ key, isMinor }) => {
    return widthPx >= (isMinor ? MINOR_FROM_PX : key === 'task' ? TASK_FROM_PX : 0)
  })
}

export function tagNames(worker: FarmWorker): string {
  return worker.tags.map((tag) => tag.name).join(', ')
}
