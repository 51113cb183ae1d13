/** The progress of a job. */

import type { Job, Schemas, TaskStatus } from '@/api/client'

export type RenderedNow = Schemas['RenderedNow']

const framesBySetting = new Map<string, number>()

export const countOf = (job: Job, status: TaskStatus): number => job.task_counts?.[status] ?? 0

/** How many tasks the job has; 0 if that is not known. */
export const taskCount = (job: Job): number => Object.values(job.task_counts ?? {}).reduce((sum, count) => sum + count, 0)

/** 0 to 1. */
export function fractionDone(job: Job): number {
  if (job.steps_total > 0) return Math.min(1, job.steps_completed / job.steps_total)
  return job.status === 'completed' ? 1 : 0
}

/** Rounded down, so never 100 before the job is done. */
export const percentDone = (job: Job): number => Math.floor(100 * fractionDone(job))

/** `12 of 24 frames`; steps if the job renders no frames. */
export function progressText(job: Job): string {
  const frames = frameCount(job.settings.frames)
  // Frames are the first steps: tasks that use frames wait for all of them.
  if (frames && frames <= job.steps_total) return `${Math.min(frames, job.steps_completed)} of ${frames} frames`
  return job.steps_total ? `${job.steps_completed} of ${job.steps_total} steps` : 'no steps'
}

/** `37 of 128 samples of frame 13`; empty if no worker reports samples. */
export function samplesText(tasks: readonly RenderedNow[]): string {
  const rendering = tasks.filter((task) => task.sample != null && task.samples)
  const [first] = rendering
  if (!first) return ''
  const done = rendering.reduce((sum, task) => sum + (task.sample ?? 0), 0)
  const all = rendering.reduce((sum, task) => sum + (task.samples ?? 0), 0)
  const which = rendering.length > 1 ? `the ${rendering.length} frames` : `frame ${first.frame ?? first.index_in_job}`
  return `${done} of ${all} samples of ${which} being rendered`
}

/** The number of frames in `1-10, 20, 30-40x2`; 0 if that is not a range of frames. */
function frameCount(setting: unknown): number {
  if (typeof setting !== 'string') return 0
  const known = framesBySetting.get(setting)
  if (known !== undefined) return known
  const count = setting.split(',').reduce((sum, part) => sum + framesIn(part.trim()), 0)
  framesBySetting.set(setting, count || 0)
  return count || 0
}

function framesIn(part: string): number {
  const range = /^(-?\d+)(?:\s*(?:-|\.\.)\s*(-?\d+)(?:\s*x\s*(\d+))?)?$/.exec(part)
  if (!range) return Number.NaN
  if (range[2] === undefined) return 1
  return Math.max(0, Math.floor((Number(range[2]) - Number(range[1])) / Number(range[3] ?? 1)) + 1)
}
