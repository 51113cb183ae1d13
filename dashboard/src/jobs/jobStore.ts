/** All jobs that are not archived, fetched once and kept current by their events. */

import { readonly, shallowRef, type Ref } from 'vue'
import { answered, api, type Job, type JobStatus } from '@/api/client'
import { onEvent, onMissed, type FarmEvent } from '@/api/events'
import { complain } from '@/shared/notices'
import type { Seen } from './progress'

/** More new jobs than this at once are fetched together with all the others. */
const FETCHED_ONE_BY_ONE = 10
const HIDDEN_PAGE_MS = 1_000
/** Of so many jobs, filtering and sorting take a good part of a frame. */
const MANY = 2_000
const PAUSE_OF_MANY_MS = 100

export interface Jobs {
  jobs: Readonly<Ref<ReadonlyMap<string, Job>>>
  isLoaded: Readonly<Ref<boolean>>
  refetch: () => Promise<void>
}

const jobs = shallowRef<ReadonlyMap<string, Job>>(new Map())
const isLoaded = shallowRef(false)
const waiting = new Map<string, Record<string, unknown>>()
const meanwhile = new Map<string, Record<string, unknown>>()
/** Each active job's progress when this page first saw it move. */
export const firstSeen = new Map<string, Seen>()
let fetching = 0
let isFlushDue = false
let isStarted = false

export function useJobs(): Jobs {
  if (!isStarted) {
    isStarted = true
    onEvent('/jobs', (event) => event.topic === '/jobs' && heard(event))
    onMissed(() => void refetch())
    void refetch()
  }
  return { jobs, isLoaded: readonly(isLoaded), refetch }
}

async function refetch(): Promise<void> {
  if (!fetching++) meanwhile.clear()
  try {
    const found = await answered(api.GET('/api/v3/jobs'))
    jobs.value = new Map(found.jobs.map((job) => [job.id, job]))
    isLoaded.value = true
    // The answer may be older than what was told while it was on its way.
    for (const payload of meanwhile.values()) enqueue(payload)
  } catch (reason) {
    complain(reason)
  } finally {
    fetching--
  }
}

function heard({ payload }: FarmEvent): void {
  if (fetching) meanwhile.set(String(payload.id), payload)
  enqueue(payload)
}

function enqueue(payload: Record<string, unknown>): void {
  waiting.set(String(payload.id), payload)
  if (isFlushDue) return
  isFlushDue = true
  // A page that is not seen draws no frames.
  if (document.hidden) window.setTimeout(flush, HIDDEN_PAGE_MS)
  else if (jobs.value.size > MANY) window.setTimeout(flush, PAUSE_OF_MANY_MS)
  else window.requestAnimationFrame(flush)
}

/** One change for all that came since the last frame, however much it was. */
function flush(): void {
  isFlushDue = false
  const changed = new Map(jobs.value)
  const unknown: string[] = []
  for (const [id, payload] of waiting) {
    const known = changed.get(id)
    if (payload.was_deleted || payload.archived_at) changed.delete(id)
    else if (known) changed.set(id, told(known, payload))
    else unknown.push(id)
  }
  waiting.clear()
  jobs.value = changed
  void fetchNew(unknown)
}

function told(job: Job, payload: Record<string, unknown>): Job {
  const known = { ...job, name: String(payload.name ?? job.name), updated: String(payload.updated) }
  known.status = payload.status as JobStatus
  known.priority = Number(payload.priority)
  known.steps_completed = Number(payload.steps_completed ?? job.steps_completed)
  known.steps_total = Number(payload.steps_total ?? job.steps_total)
  noteProgress(known)
  if (payload.delete_requested_at) known.delete_requested_at = String(payload.delete_requested_at)
  return known
}

function noteProgress({ id, status, steps_completed: steps }: Job): void {
  if (status !== 'active') firstSeen.delete(id)
  else if (!firstSeen.has(id)) firstSeen.set(id, { steps, at: Date.now() })
}

/** Events do not tell of metadata and settings. */
async function fetchNew(ids: readonly string[]): Promise<void> {
  if (ids.length > FETCHED_ONE_BY_ONE) return refetch()
  const found = await Promise.all(ids.map(fetchJob))
  const fresh = found.filter((job) => job !== undefined)
  if (fresh.length) jobs.value = new Map([...fresh.map((job) => [job.id, job] as const), ...jobs.value])
}

async function fetchJob(id: string): Promise<Job | undefined> {
  try {
    return await answered(api.GET('/api/v3/jobs/{job_id}', { params: { path: { job_id: id } } }))
  } catch {
    return undefined // deleted meanwhile
  }
}
