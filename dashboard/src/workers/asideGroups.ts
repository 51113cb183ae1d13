/** Workers that are set aside for the same reason. */

import type { FarmWorker } from './workerStore'

/** The most workers that a group names. */
const NAMED = 5

interface AsideGroup {
  key: string
  named: FarmWorker[]
  /** How many further workers have this reason. */
  others: number
  reason: string
  /** The types of tasks that the workers do not get; empty if they get no tasks at all. */
  types: string
  /** The earliest time. */
  since: string
}

/** The reason of the most workers comes first. */
export function asideGroups(workers: readonly FarmWorker[]): AsideGroup[] {
  const groups = new Map<string, AsideGroup>()
  for (const worker of workers) {
    for (const { reason, task_types, since } of worker.set_aside) {
      const types = task_types.join(', ')
      const key = `${types}: ${reason}`
      const group = groups.get(key) ?? { key, named: [], others: 0, reason, types, since }
      groups.set(key, group)
      if (group.named.length < NAMED) group.named.push(worker)
      else group.others += 1
      if (since < group.since) group.since = since
    }
  }
  return [...groups.values()].sort((a, b) => b.named.length + b.others - (a.named.length + a.others))
}
