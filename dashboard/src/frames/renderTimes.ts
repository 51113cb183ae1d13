/** The render time of each frame, and which frames are slow. */

import type { FrameTasks } from './frameTasks'

export interface FrameTime {
  frame: number
  /** Of a task with several frames, the average. */
  seconds: number
  index: number
  /** Empty if the worker is not known. */
  worker: string
  workerId: string
  isAverage: boolean
}

const MOST_SLOW = 8
/** A frame that takes only a little longer than the others is not called slow. */
const SLOW_FACTOR = 1.5

/** In ascending order of frames. */
export function frameTimes({ tasks }: FrameTasks): FrameTime[] {
  const found = tasks.flatMap(({ index_in_job: index, frames, seconds, worker }) => {
    if (seconds == null) return []
    const share = seconds / Math.max(1, frames.length)
    return frames.map((frame): FrameTime => ({
      frame, seconds: share, index, worker: worker?.name ?? '', workerId: worker?.id ?? '', isAverage: frames.length > 1,
    }))
  })
  return found.sort((a, b) => a.frame - b.frame)
}

/** The slowest first: those far above the others, by the rule of Tukey's box plot. */
export function slowFrames(times: readonly FrameTime[]): FrameTime[] {
  const sorted = times.map(({ seconds }) => seconds).sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  const limit = Math.max(at(0.75) + 1.5 * (at(0.75) - at(0.25)), SLOW_FACTOR * at(0.5))
  return times.filter(({ seconds }) => seconds > limit).sort((a, b) => b.seconds - a.seconds).slice(0, MOST_SLOW)
}

const COLORS = 5
const SHAPES = ['circle', 'square', 'diamond', 'triangle'] as const

export interface WorkerMark {
  id: string
  name: string
  /** A custom property of tokens.css. */
  color: string
  shape: (typeof SHAPES)[number]
}

/** The workers by name, each with a mark of its own: neighbours differ in colour and in shape. */
export function workerMarks(times: readonly FrameTime[]): WorkerMark[] {
  const names = new Map(times.map(({ workerId, worker }) => [workerId, worker || 'not known']))
  return [...names].sort((a, b) => a[1].localeCompare(b[1])).map(([id, name], place) => ({
    id, name, color: `--chart-${(place % COLORS) + 1}`, shape: SHAPES[place % SHAPES.length] ?? 'circle',
  }))
}
