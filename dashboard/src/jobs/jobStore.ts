/** All jobs that are not archived. */

import { answered, api, type Job, type JobStatus } from '@/api/client'
import type { Payload } from '@/api/events'
import { useLiveCollection, type FirstRows } from '@/shared/liveCollection'
import { sharedByPage } from '@/shared/sharedByPage'

/** More than a screen shows, with or without open details. */
const FIRST = 60
let areFirstWanted = false

/** Begins to fetch the jobs, unless that has begun; the newest ones first if the page shows them before it has all. */
export function beginJobs(wantsFirst: boolean): void {
  areFirstWanted = wantsFirst
  useJobs()
}

export const useJobs = sharedByPage(() =>
  useLiveCollection<Job>({
    topic: () => '/jobs',
    fetchAll: async () => (await answered(api.GET('/api/tablao/v1/jobs'))).jobs,
    fetchFirst: () => (areFirstWanted ? fetchFirst() : Promise.resolve(undefined)),
    fetchOne: (id) => answered(api.GET('/api/tablao/v1/jobs/{job_id}', { params: { path: { job_id: id } } })),
    changed,
    seldomTold: ['tasks_stuck', 'waiting', 'worker_tag', 'project'],
    isGone: (payload) => Boolean(payload.was_deleted || payload.archived_at),
  }),
)

async function fetchFirst(): Promise<FirstRows<Job>> {
  const { jobs, total } = await answered(api.GET('/api/tablao/v1/jobs', { params: { query: { limit: FIRST } } }))
  return { rows: jobs, total }
}

function changed(job: Job, payload: Payload): Job {
  const known = { ...job, name: String(payload.name ?? job.name), updated: String(payload.updated) }
  known.status = payload.status as JobStatus
  known.priority = Number(payload.priority)
  known.steps_completed = Number(payload.steps_completed ?? job.steps_completed)
  known.steps_total = Number(payload.steps_total ?? job.steps_total)
  if (payload.tasks_stuck !== undefined) known.tasks_stuck = Number(payload.tasks_stuck)
  if (payload.waiting !== undefined) known.waiting = String(payload.waiting) || null
  // A moment after its status has changed, the keeper says again why it waits, if it does.
  else if (known.status !== job.status) known.waiting = null
  known.task_counts = (payload.task_counts as Job['task_counts']) ?? job.task_counts
  if (payload.steps_total !== undefined) known.frame_s = payload.frame_s as number | undefined
  if (payload.delete_requested_at) known.delete_requested_at = String(payload.delete_requested_at)
  return { ...known, ...edited(job, payload) }
}

/** What a person has changed. */
function edited(job: Job, payload: Payload): Partial<Job> {
  return {
    ...(payload.worker_tag !== undefined && { worker_tag: String(payload.worker_tag) || null }),
    ...(payload.project !== undefined && { metadata: withProject(job.metadata, String(payload.project)) }),
  }
}

/** Metadata with another project; empty: none. */
export function withProject(metadata: Job['metadata'], project: string): Job['metadata'] {
  const others = Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'project'))
  return project ? { ...others, project } : others
}
