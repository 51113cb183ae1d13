/** The actions on workers: when they are possible, their requests, and undo. */

import { answered, api } from '@/api/client'
import { countText, forEachRow, report, reportRefusals } from '@/shared/bulkAction'
import type { Undo } from '@/shared/notices'
import type { WorkerStatus } from '@/shared/statuses'
import type { FarmWorker } from './workerStore'

export type WorkerAction = 'wake' | 'sleep' | 'shut-down' | 'restart' | 'pause' | 'resume' | 'forgive' | 'delete'

interface Meaning {
  label: string
  /** What the notice says was done, after the number of workers. */
  done: string
  isPossible: (worker: FarmWorker) => boolean
  /** The worker may finish its task first. */
  canWait?: boolean
}

const GONE: readonly WorkerStatus[] = ['offline', 'error', '']

const isThere = (worker: FarmWorker): boolean => !GONE.includes(worker.status)
const requestedOrCurrent = (worker: FarmWorker): WorkerStatus => worker.status_change?.status ?? worker.status

export const WORKER_ACTIONS: Record<WorkerAction, Meaning> = {
  'wake': { label: 'Wake', done: 'asked to wake', isPossible: (worker) => isThere(worker) && requestedOrCurrent(worker) !== 'awake' },
  'sleep': {
    label: 'Sleep', done: 'asked to sleep', canWait: true,
    isPossible: (worker) => isThere(worker) && requestedOrCurrent(worker) !== 'asleep',
  },
  'pause': { label: 'Pause', done: 'paused', isPossible: (worker) => isThere(worker) && !worker.is_paused },
  'resume': { label: 'Resume', done: 'resumed', isPossible: (worker) => worker.is_paused },
  'forgive': { label: 'Forgive', done: 'forgiven', isPossible: (worker) => worker.set_aside.length > 0 },
  'restart': {
    label: 'Restart', done: 'asked to restart', canWait: true,
    isPossible: (worker) => isThere(worker) && worker.can_restart,
  },
  'shut-down': {
    label: 'Shut down', done: 'asked to shut down', canWait: true,
    isPossible: (worker) => isThere(worker) && requestedOrCurrent(worker) !== 'offline',
  },
  'delete': { label: 'Delete', done: 'deleted', isPossible: () => true },
}

const REQUESTED_STATUS: Partial<Record<WorkerAction, WorkerStatus>> = {
  'wake': 'awake', 'sleep': 'asleep', 'shut-down': 'offline', 'restart': 'restart',
}

/** Sends the request for each worker, and reports. */
export async function request(action: WorkerAction, workers: readonly FarmWorker[], isLazy: boolean): Promise<void> {
  const outcome = await forEachRow(workers, ({ id }) => requestOf(action, id, isLazy))
  const { done, canWait } = WORKER_ACTIONS[action]
  const isAfterTask = canWait && isLazy && outcome.done.some((worker) => worker.tasks.length)
  report(outcome, {
    named: namesOf,
    done: `${done}${isAfterTask ? ' after the task' : ''}.`,
    undo: undoOf(action, outcome.done, isLazy),
  })
}

/** A worker's name, or the number of several. */
export function namesOf(workers: readonly { name: string }[]): string {
  return workers.length === 1 ? workers[0]!.name : countText(workers.length, 'worker')
}

async function requestOf(action: WorkerAction, workerId: string, isLazy: boolean): Promise<void> {
  const params = { path: { worker_id: workerId } }
  const status = REQUESTED_STATUS[action]
  if (status) await setStatus(workerId, status, isLazy && action !== 'wake')
  else if (action === 'pause') await answered(api.POST('/api/tablao/v1/workers/{worker_id}/pause', { params }))
  else if (action === 'resume') await answered(api.POST('/api/tablao/v1/workers/{worker_id}/resume', { params }))
  else if (action === 'forgive') await answered(api.POST('/api/tablao/v1/workers/{worker_id}/forgive', { params }))
  else await answered(api.DELETE('/api/v3/worker-mgt/workers/{worker_id}', { params }))
}

async function setStatus(workerId: string, status: WorkerStatus, isLazy: boolean): Promise<void> {
  const params = { path: { worker_id: workerId } }
  const body = { status, is_lazy: isLazy }
  await answered(api.POST('/api/v3/worker-mgt/workers/{worker_id}/setstatus', { params, body }))
}

/** Undefined if the action cannot be undone. */
function undoOf(action: WorkerAction, workers: readonly FarmWorker[], isLazy: boolean): Undo | undefined {
  const undo = (run: () => void): Undo => ({ label: 'Undo', run })
  if (action === 'pause') return undo(() => void request('resume', workers, false))
  if (action === 'resume') return undo(() => void request('pause', workers, false))
  if (action === 'wake' || action === 'sleep' || (REQUESTED_STATUS[action] && isLazy)) return undo(() => void takeBack(workers))
  return undefined
}

/** Requests the status that each worker had, or that was requested of it, before. */
async function takeBack(workers: readonly FarmWorker[]): Promise<void> {
  const { refusals } = await forEachRow(workers, (worker) =>
    setStatus(worker.id, requestedOrCurrent(worker), worker.status_change?.is_lazy ?? true),
  )
  reportRefusals(refusals, namesOf)
}

export interface Warning {
  title: string
  text: string
  confirm: string
}

/** The warning before an action; undefined if the action can be undone. */
export function warningOf(action: WorkerAction, workers: readonly FarmWorker[], isLazy: boolean): Warning | undefined {
  const who = namesOf(workers)
  const tasks = workers.reduce((count, worker) => count + worker.tasks.length, 0)
  const lost = tasks === 1 ? 'One task is stopped and goes' : `${tasks} tasks are stopped and go`
  const stops = tasks && !isLazy ? `${lost} back to the queue; this does not count as a failure.` : ''
  if (action === 'delete') {
    const text = `${tasks ? `${lost} back to the queue. ` : ''}A host that still runs is told to end; it joins as a new worker when it is started again. Finished tasks keep the worker's name.`
    return { title: `Delete ${who}?`, text, confirm: 'Delete' }
  }
  if (action === 'shut-down') {
    const text = `${stops} A host that has ended cannot be started from here.`.trim()
    return { title: `Shut down ${who}?`, text, confirm: 'Shut down' }
  }
  if (stops && (action === 'sleep' || action === 'restart')) {
    const { label } = WORKER_ACTIONS[action]
    return { title: `${label}: ${who}, now?`, text: stops, confirm: `${label} now` }
  }
  return undefined
}
