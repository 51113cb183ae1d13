/** Statistics of the durations of tasks. */

import type { TaskSummary } from '@/api/client'
import type { JobTimes } from './useJobTimes'

export interface TimedRow {
  task: TaskSummary
  seconds: number
  /** The task's peak of memory in bytes; undefined if its worker does not report it. */
  memory: number | undefined
}

export interface Bar {
  /** Indexes of the first and the last task in it. */
  from: number
  to: number
  /** The duration of the slowest of them. */
  seconds: number
}

export function timedRows(times: JobTimes, tasks: readonly TaskSummary[]): TimedRow[] {
  // Tasks are ordered by index, which starts at 1 and has no gaps.
  return times.tasks.flatMap(({ index_in_job: index, seconds, memory_peak: memory }) => {
    const task = tasks[index - 1]
    return task ? [{ task, seconds, memory: memory ?? undefined }] : []
  })
}

/** At most `most` bars. A bar that several tasks share shows the slowest of them. */
export function bars(times: JobTimes, most: number): Bar[] {
  const perBar = Math.ceil(times.tasks.length / most) || 1
  const found: Bar[] = []
  for (let first = 0; first < times.tasks.length; first += perBar) {
    const shared = times.tasks.slice(first, first + perBar)
    found.push({
      from: shared[0]?.index_in_job ?? 0,
      to: shared.at(-1)?.index_in_job ?? 0,
      seconds: Math.max(...shared.map((task) => task.seconds)),
    })
  }
  return found
}

/** The highest peak of memory of all tasks; undefined if no worker reported one. */
export function memoryPeak(rows: readonly TimedRow[]): number | undefined {
  return rows.reduce<number | undefined>((most, { memory }) => (memory === undefined ? most : Math.max(most ?? 0, memory)), undefined)
}

export function median(sorted: readonly number[]): number {
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
