/** The actions that the manager takes, by status. Made by export_actions.py. */

import type { JobStatus, Schemas, TaskStatus } from '@/api/client'

export type JobAction = Schemas['PossibleAction']['action']
export type TaskAction = Schemas['TaskAction']

export const JOB_ACTIONS: Record<JobStatus, readonly JobAction[]> = {
  'under-construction': [],
  'queued': ['cancel', 'pause', 'requeue-failed', 'delete'],
  'active': ['cancel', 'pause', 'requeue-failed', 'delete'],
  'completed': ['requeue', 'archive', 'delete'],
  'failed': ['cancel', 'requeue', 'requeue-failed', 'archive', 'delete'],
  'pause-requested': ['cancel', 'resume'],
  'paused': ['cancel', 'resume', 'requeue', 'archive', 'delete'],
  'cancel-requested': [],
  'canceled': ['requeue', 'archive', 'delete'],
  'requeueing': [],
}

export const TASK_ACTIONS: Record<TaskStatus, readonly TaskAction[]> = {
  'queued': ['cancel'],
  'soft-failed': ['cancel'],
  'active': ['cancel'],
  'completed': ['requeue'],
  'failed': ['requeue'],
  'canceled': ['requeue'],
  'paused': ['cancel'],
}
