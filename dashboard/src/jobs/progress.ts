/** How far a job is, and when it may be done. */

import type { Job, Schemas } from '@/api/client'

export type RenderedNow = Schemas['RenderedNow']

export interface Seen {
  steps: number
  /** Milliseconds. */
  at: number
}

/** Less progress than this, seen by this page, says too little about the pace. */
const SEEN_STEPS = 2
const framesBySetting = new Map<string, number>()

/** 0 to 1. */
export function fractionDone(job: Job): number {
  if (job.steps_total > 0) return Math.min(1, job.steps_completed / job.steps_total)
  return job.status === 'completed' ? 1 : 0
}

/** Never 100 before it is done. */
export const percentDone = (job: Job): number => Math.floor(100 * fractionDone(job))

/** "12 of 24 frames"; of a job that renders none, steps. */
export function progressText(job: Job): string {
  const frames = frameCount(job.settings.frames)
  // Frames come first: what is made of them waits for all.
  if (frames && frames <= job.steps_total) return `${Math.min(frames, job.steps_completed)} of ${frames} frames`
  return job.steps_total ? `${job.steps_completed} of ${job.steps_total} steps` : 'no steps'
}

/** "37 of 128 samples of frame 13"; empty when nobody told of any. */
export function samplesText(tasks: readonly RenderedNow[]): string {
  const rendering = tasks.filter((task) => task.sample != null && task.samples)
  const [first] = rendering
  if (!first) return ''
  const done = rendering.reduce((sum, task) => sum + (task.sample ?? 0), 0)
  const all = rendering.reduce((sum, task) => sum + (task.samples ?? 0), 0)
  const which = rendering.length > 1 ? `the ${rendering.length} frames` : `frame ${first.frame ?? first.index_in_job}`
  return `${done} of ${all} samples of ${which} being rendered`
}

/** Seconds; undefined when nothing can be said. The pace is what this page saw, else the average. */
export function secondsLeft(job: Job, first: Seen | undefined, now: number): number | undefined {
  const left = job.steps_total - job.steps_completed
  if (job.status !== 'active' || left <= 0 || job.steps_completed <= 0) return undefined
  const seenSteps = first ? job.steps_completed - first.steps : 0
  const isSeen = first !== undefined && seenSteps >= SEEN_STEPS
  const steps = isSeen ? seenSteps : job.steps_completed
  const sinceMs = isSeen ? first.at : Date.parse(job.created)
  return ((now - sinceMs) / 1_000 / steps) * left
}

export function durationText(seconds: number): string {
  const minutes = Math.round(seconds / 60)
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  if (minutes < 90) return `${minutes} min`
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return `${Math.round(minutes / 60 / 24)} days`
}

/** Of `1-10, 20, 30-40`; 0 of what is no range. */
function frameCount(setting: unknown): number {
  if (typeof setting !== 'string') return 0
  const known = framesBySetting.get(setting)
  if (known !== undefined) return known
  const count = setting.split(',').reduce((sum, part) => sum + framesIn(part.trim()), 0)
  framesBySetting.set(setting, count || 0)
  return count || 0
}

function framesIn(part: string): number {
  const range = /^(-?\d+)(?:\s*-\s*(-?\d+))?$/.exec(part)
  if (!range) return Number.NaN
  return range[2] === undefined ? 1 : Math.max(0, Number(range[2]) - Number(range[1]) + 1)
}
