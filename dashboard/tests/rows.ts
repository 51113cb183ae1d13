/** Jobs, tasks and workers for tests: whole ones, of which a test says only what matters to it. */

import type { Job, TaskSummary } from '@/api/client'
import type { FarmWorker } from '@/workers/workerStore'

export function job(changes: Partial<Job> = {}): Job {
  return {
    id: 'job-1',
    name: 'Shot 010',
    type: 'simple-blender-render',
    status: 'queued',
    priority: 50,
    created: '2026-01-01T10:00:00Z',
    updated: '2026-01-01T10:00:00Z',
    activity: '',
    settings: {},
    metadata: {},
    steps_completed: 0,
    steps_total: 0,
    ...changes,
  } as Job
}

export function task(changes: Partial<TaskSummary> = {}): TaskSummary {
  return {
    id: 'task-1',
    name: 'render-1-10',
    task_type: 'blender',
    status: 'queued',
    index_in_job: 1,
    priority: 50,
    updated: '2026-01-01T10:00:00Z',
    steps_completed: 0,
    steps_total: 0,
    ...changes,
  } as TaskSummary
}

export function worker(changes: Partial<FarmWorker> = {}): FarmWorker {
  return {
    id: 'worker-1',
    name: 'anita',
    status: 'awake',
    status_change: null,
    is_paused: false,
    is_waiting: false,
    is_rotating: false,
    set_aside: [],
    is_connected: true,
    can_restart: true,
    last_seen: null,
    ip_address: '10.0.0.1',
    platform: 'linux',
    version: '1.0',
    supported_task_types: ['blender'],
    slots: 1,
    statistics: {},
    tags: [],
    tasks: [],
    ...changes,
  } as FarmWorker
}

export const ofTask = (name: string, jobName = 'Shot 010'): FarmWorker['tasks'][number] =>
  ({ id: name, name, job_id: 'job-1', job_name: jobName }) as unknown as FarmWorker['tasks'][number]
