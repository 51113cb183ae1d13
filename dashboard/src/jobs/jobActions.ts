/** What can be done with jobs, one or many: on each by itself, and told in one sentence. */

import { answered, api, type Job } from '@/api/client'
import { complain, say } from '@/shared/notices'
import { JOB_ACTIONS, type JobAction } from '@/shared/statuses'

type Sent = Exclude<JobAction, 'archive' | 'delete'>

interface Manner {
  label: string
  /** After "3 jobs". */
  done: string
  isDangerous?: boolean
}

/** In the order in which they are shown. */
export const ACTIONS: Record<JobAction, Manner> = {
  pause: { label: 'Pause', done: 'asked to pause' },
  resume: { label: 'Resume', done: 'resumed' },
  requeue: { label: 'Requeue', done: 'requeued' },
  'requeue-failed': { label: 'Requeue failed tasks', done: 'asked to try failed tasks again' },
  cancel: { label: 'Cancel', done: 'asked to cancel', isDangerous: true },
  archive: { label: 'Archive', done: 'archived' },
  delete: { label: 'Delete', done: 'to be deleted', isDangerous: true },
}
const AT_ONCE = 6

/** Those of the jobs that the action is possible for. */
export function suited(jobs: readonly Job[], action: JobAction): Job[] {
  return jobs.filter((job) => !job.delete_requested_at && JOB_ACTIONS[job.status].includes(action))
}

export async function act(action: JobAction, jobs: readonly Job[]): Promise<void> {
  const { done, reasons } = await onEach(jobs, (job) => send(action, job))
  const undo = undoing(action, done)
  if (done.length) say(`${countText(done.length)} ${ACTIONS[action].done}`, undo)
  if (reasons.length) complain(`${countText(reasons.length)} could not: ${[...new Set(reasons)].join('; ')}`)
}

export async function setPriority(job: Job, priority: number): Promise<void> {
  const { reasons } = await onEach([job], (each) => sendPriority(each, priority))
  for (const reason of reasons) complain(reason)
}

/** Of several: seldom are all of them seen, so it is told, and can be taken back. */
export async function setPriorities(jobs: readonly Job[], priority: number): Promise<void> {
  const { done, reasons } = await onEach(jobs, (job) => sendPriority(job, priority))
  const undo = (): void => void onEach(done, (job) => sendPriority(job, job.priority)).then(({ reasons: left }) => left.forEach(complain))
  if (done.length) say(`${countText(done.length)} with priority ${priority}`, undo)
  if (reasons.length) complain(`${countText(reasons.length)} could not: ${[...new Set(reasons)].join('; ')}`)
}

async function sendPriority(job: Job, priority: number): Promise<void> {
  const params = { path: { job_id: job.id } }
  await answered(api.POST('/api/v3/jobs/{job_id}/setpriority', { params, body: { priority } }))
}

/** How many of them have a Shaman checkout that would go with them. */
export async function checkoutsOf(jobs: readonly Job[]): Promise<number> {
  let count = 0
  await onEach(jobs.filter((job) => job.storage?.shaman_checkout_id), async ({ id }) => {
    const params = { path: { job_id: id } }
    const would = await answered(api.GET('/api/v3/jobs/{job_id}/what-would-delete-do', { params }))
    if (would.shaman_checkout) count++
  })
  return count
}

export const countText = (count: number): string => (count === 1 ? '1 job' : `${count} jobs`)

/** As one file. Done when all is here: what follows may take something away. False: not all came. */
export async function download(jobs: readonly Job[]): Promise<boolean> {
  const exports: unknown[] = []
  const { reasons } = await onEach(jobs, async ({ id }) => {
    exports.push(await answered(api.GET('/api/tablao/v1/jobs/{job_id}/export', { params: { path: { job_id: id } } })))
  })
  if (reasons.length) {
    complain(`${countText(reasons.length)} could not be exported: ${[...new Set(reasons)].join('; ')}`)
    return false
  }
  const content = JSON.stringify(exports.length === 1 ? exports[0] : exports, null, 1)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([content], { type: 'application/json' }))
  link.download = jobs.length === 1 ? `job-${jobs[0]?.id}.json` : `${jobs.length}-jobs.json`
  link.click()
  URL.revokeObjectURL(link.href)
  return true
}

async function send(action: JobAction, job: Job): Promise<void> {
  const params = { path: { job_id: job.id } }
  if (action === 'delete') await answered(api.DELETE('/api/v3/jobs/{job_id}', { params }))
  else if (action === 'archive') await answered(api.POST('/api/tablao/v1/jobs/{job_id}/archive', { params }))
  else await answered(api.POST('/api/tablao/v1/jobs/{job_id}/actions', { params, body: asked(action) }))
}

const asked = (action: Sent): { action: Sent; reason: string } => ({ action, reason: 'asked for in the dashboard' })

/** What leads back to where the jobs were; undefined where nothing does, and they asked before. */
function undoing(action: JobAction, jobs: readonly Job[]): (() => void) | undefined {
  if (action === 'pause') return () => void act('resume', jobs)
  if (action === 'resume') return () => void act('pause', jobs)
  if (action !== 'requeue' && action !== 'requeue-failed') return undefined
  const wasPaused = jobs.filter((job) => job.status === 'paused')
  const hadEnded = jobs.filter((job) => job.status === 'canceled' || job.status === 'failed')
  if (wasPaused.length + hadEnded.length < jobs.length) return undefined
  return () => {
    if (wasPaused.length) void act('pause', wasPaused)
    if (hadEnded.length) void act('cancel', hadEnded)
  }
}

interface Outcome {
  done: Job[]
  reasons: string[]
}

async function onEach(jobs: readonly Job[], ask: (job: Job) => Promise<void>): Promise<Outcome> {
  const left = [...jobs]
  const outcome: Outcome = { done: [], reasons: [] }
  async function workOff(): Promise<void> {
    for (let job = left.shift(); job; job = left.shift()) {
      try {
        await ask(job)
        outcome.done.push(job)
      } catch (reason) {
        outcome.reasons.push(reason instanceof Error ? reason.message : String(reason))
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, workOff))
  return outcome
}
