/** What the wall shows of the farm's jobs and workers. */

import type { Job } from '@/api/client'
import { kindOf, type Kind } from '@/workers/workerWords'
import type { FarmWorker } from '@/workers/workerStore'

const DAY_MS = 86_400_000

/** As the matchmaker serves them: the highest priority first, then the oldest. */
export function activeJobs(jobs: Iterable<Job>): Job[] {
  return [...jobs].filter(({ status }) => status === 'active')
    .sort((a, b) => b.priority - a.priority || Date.parse(a.created) - Date.parse(b.created))
}

/** Jobs that failed in the last day, the newest first. */
export function failedLately(jobs: Iterable<Job>, nowMs: number): Job[] {
  return [...jobs].filter(({ status, updated }) => status === 'failed' && nowMs - Date.parse(updated) < DAY_MS)
    .sort((a, b) => Date.parse(b.updated) - Date.parse(a.updated))
}

export function workersByKind(workers: Iterable<FarmWorker>): ReadonlyMap<Kind, number> {
  const counts = new Map<Kind, number>()
  for (const worker of workers) {
    const kind = kindOf(worker)
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}
