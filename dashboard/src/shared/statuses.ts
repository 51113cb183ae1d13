/** The look of each status. A status that is missing here is a compile error. */

import type { JobStatus, Schemas, TaskStatus } from '@/api/client'

export type WorkerStatus = Schemas['WorkerStatus']

export interface Look {
  label: string
  /** A name of `StatusIcon`. */
  icon: string
  /** A custom property of tokens.css. */
  color: string
}

const look = (label: string, icon: string, color = label): Look => ({ label, icon, color })

export const JOB_LOOK: Record<JobStatus, Look> = {
  'under-construction': look('under construction', 'dots', 'queued'),
  'queued': look('queued', 'clock'),
  'active': look('active', 'play'),
  'completed': look('completed', 'check'),
  'failed': look('failed', 'cross'),
  'pause-requested': look('pausing', 'pause', 'paused'),
  'paused': look('paused', 'pause'),
  'cancel-requested': look('canceling', 'stop', 'canceled'),
  'canceled': look('canceled', 'stop'),
  'requeueing': look('requeueing', 'clock', 'queued'),
}

export const TASK_LOOK: Record<TaskStatus, Look> = {
  'queued': JOB_LOOK.queued,
  'active': JOB_LOOK.active,
  'completed': JOB_LOOK.completed,
  'failed': JOB_LOOK.failed,
  'canceled': JOB_LOOK.canceled,
  'paused': JOB_LOOK.paused,
  'soft-failed': look('soft-failed', 'retry'),
}

/** The parts of a bar of tasks, from the left: finished ones first, waiting ones last. */
export const BAR_ORDER: readonly TaskStatus[] = ['completed', 'active', 'soft-failed', 'failed', 'canceled', 'paused', 'queued']

/** Tasks that are not done and do not run. They are drawn pale, or not at all, so that the others stand out. */
export const RESTING: ReadonlySet<TaskStatus> = new Set(['queued', 'paused', 'canceled'])

/** Such as `12 completed, 2 active, 1 failed`. */
export function taskCountsText(counts: Readonly<Partial<Record<TaskStatus, number>>>): string {
  const told = BAR_ORDER.filter((status) => counts[status])
  return told.map((status) => `${counts[status]?.toLocaleString()} ${TASK_LOOK[status].label}`).join(', ')
}

export const WORKER_LOOK: Record<WorkerStatus, Look> = {
  '': look('never signed on', 'dots', 'queued'),
  'starting': look('starting', 'dots', 'queued'),
  'awake': look('awake', 'play', 'completed'),
  'asleep': look('asleep', 'moon'),
  'error': look('not heard of', 'cross', 'failed'),
  'testing': look('testing', 'dots', 'queued'),
  'offline': look('offline', 'stop', 'canceled'),
  'restart': look('restarting', 'retry', 'queued'),
}
