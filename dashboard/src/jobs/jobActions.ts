/** The actions on jobs, on one or on many. */

import { mayChangeJob } from '@/access/me'
import { answered, api, type Job } from '@/api/client'
import { JOB_ACTIONS, type JobAction } from '@/shared/actions.gen'
import { countText, forEachRow, report, reportRefusals } from '@/shared/bulkAction'
import type { Undo } from '@/shared/notices'
import { countOf } from './progress'

type RequestedAction = Exclude<JobAction, 'archive' | 'delete'>

interface ActionTexts {
  label: string
  /** In the report, after `3 jobs`. */
  done: string
  isDangerous?: boolean
}

/** In the order in which they are shown. */
export const ACTIONS: Record<JobAction, ActionTexts> = {
  'pause': { label: 'Pause', done: 'asked to pause' },
  'resume': { label: 'Resume', done: 'resumed' },
  'requeue': { label: 'Requeue', done: 'requeued' },
  'requeue-failed': { label: 'Requeue failed tasks', done: 'asked to try failed tasks again' },
  'cancel': { label: 'Cancel', done: 'asked to cancel', isDangerous: true },
  'archive': { label: 'Archive', done: 'archived' },
  'delete': { label: 'Delete', done: 'will be deleted', isDangerous: true },
}

/** Whether the user may change the job, and it is not being deleted. */
export const isChangeable = (job: Job): boolean => !job.delete_requested_at && mayChangeJob(job)

/** The jobs for which the action is possible. */
export function possible(jobs: readonly Job[], action: JobAction): Job[] {
  return jobs.filter((job) => isChangeable(job) && JOB_ACTIONS[job.status].includes(action) && (action !== 'requeue-failed' || countOf(job, 'failed') > 0))
}

/** Whether a way to requeue it is possible. What failed is requeued only if something has. */
export const canRequeue = (job: Job): boolean => possible([job], 'requeue').length + possible([job], 'requeue-failed').length > 0

export async function act(action: JobAction, jobs: readonly Job[]): Promise<void> {
  const outcome = await forEachRow(jobs, (job) => send(action, job))
  report(outcome, { named: jobsText, done: ACTIONS[action].done, undo: undoOf(action, outcome.done) })
}

/** Reports only a refusal: the new priority is seen where it was set. */
export async function setPriority(job: Job, priority: number): Promise<void> {
  const { refusals } = await forEachRow([job], () => sendPriority(job, priority))
  reportRefusals(refusals, jobsText)
}

/** Of several jobs, of which some may be out of sight: so it is reported, and can be undone. */
export async function setPriorities(jobs: readonly Job[], priority: number): Promise<void> {
  const outcome = await forEachRow(jobs, (job) => sendPriority(job, priority))
  report(outcome, { named: jobsText, done: `got priority ${priority}`, undo: { label: 'Undo', run: () => void restorePriorities(outcome.done) } })
}

async function restorePriorities(jobs: readonly Job[]): Promise<void> {
  const { refusals } = await forEachRow(jobs, (job) => sendPriority(job, job.priority))
  reportRefusals(refusals, jobsText)
}

async function sendPriority(job: Job, priority: number): Promise<void> {
  const params = { path: { job_id: job.id } }
  await answered(api.POST('/api/v3/jobs/{job_id}/setpriority', { params, body: { priority } }))
}

/** Each job's tag is restored by the undo, so it may differ. */
export async function setTag(jobs: readonly Job[], tagId: string, tagName: string): Promise<void> {
  const outcome = await forEachRow(jobs, ({ id }) => sendTag(id, tagId))
  const run = async (): Promise<void> => {
    const { refusals } = await forEachRow(outcome.done, (job) => sendTag(job.id, job.worker_tag ?? ''))
    reportRefusals(refusals, jobsText)
  }
  report(outcome, { named: jobsText, done: tagId ? `got the worker tag ${tagName}` : 'may run on any worker', undo: { label: 'Undo', run: () => void run() } })
}

async function sendTag(id: string, tagId: string): Promise<void> {
  const params = { path: { job_id: id } }
  await answered(api.POST('/api/v3/jobs/{job_id}/settag', { params, body: tagId ? { id: tagId } : {} }))
}

export async function setProject(jobs: readonly Job[], project: string): Promise<void> {
  const outcome = await forEachRow(jobs, ({ id }) => sendProject(id, project))
  const run = async (): Promise<void> => {
    const { refusals } = await forEachRow(outcome.done, (job) => sendProject(job.id, job.metadata.project ?? ''))
    reportRefusals(refusals, jobsText)
  }
  const done = project.trim() ? `moved to the project ${project.trim()}` : 'taken out of the project'
  report(outcome, { named: jobsText, done, undo: { label: 'Undo', run: () => void run() } })
}

async function sendProject(id: string, project: string): Promise<void> {
  const params = { path: { job_id: id } }
  await answered(api.PUT('/api/tablao/v1/jobs/{job_id}/project', { params, body: { project } }))
}

/** The number of Shaman checkouts that would be deleted with the jobs. */
export async function checkoutsOf(jobs: readonly Job[]): Promise<number> {
  let count = 0
  await forEachRow(jobs.filter((job) => job.storage?.shaman_checkout_id), async ({ id }) => {
    const params = { path: { job_id: id } }
    const would = await answered(api.GET('/api/v3/jobs/{job_id}/what-would-delete-do', { params }))
    if (would.shaman_checkout) count++
  })
  return count
}

export const jobsText = (jobs: readonly Job[]): string => countText(jobs.length, 'job')

/**
 * Downloads all jobs as one file.
 *
 * Returns when the file is complete, because the caller may take something away then. False if
 * a job is missing from it; then nothing is downloaded.
 */
export async function download(jobs: readonly Job[]): Promise<boolean> {
  const exports: unknown[] = []
  const { refusals } = await forEachRow(jobs, async ({ id }) => {
    exports.push(await answered(api.GET('/api/tablao/v1/jobs/{job_id}/export', { params: { path: { job_id: id } } })))
  })
  reportRefusals(refusals, (refused) => `the export of ${jobsText(refused)}`)
  if (refusals.length) return false
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
  else await answered(api.POST('/api/tablao/v1/jobs/{job_id}/actions', { params, body: requestOf(action) }))
}

const requestOf = (action: RequestedAction): { action: RequestedAction; reason: string } =>
  ({ action, reason: 'Requested in the dashboard' })

/** Takes the action back; undefined where no action does, and the page asked before. */
function undoOf(action: JobAction, jobs: readonly Job[]): Undo | undefined {
  if (action === 'pause') return { label: 'Undo', run: () => void act('resume', jobs) }
  if (action === 'resume') return { label: 'Undo', run: () => void act('pause', jobs) }
  return action === 'requeue' || action === 'requeue-failed' ? stopAgain(jobs) : undefined
}

/** Requeued tasks do not get the statuses back that they had. So this is called what it does. */
function stopAgain(jobs: readonly Job[]): Undo | undefined {
  if (jobs.every(({ status }) => status === 'paused')) return { label: 'Pause again', run: () => void act('pause', jobs) }
  const hadEnded = jobs.every(({ status }) => status === 'canceled' || status === 'failed')
  return hadEnded ? { label: 'Cancel', run: () => void act('cancel', jobs) } : undefined
}
