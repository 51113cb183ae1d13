/** All tasks of a job. */

import { computed, effectScope, onScopeDispose, shallowRef, type EffectScope, type Ref } from 'vue'
import { answered, api, Refusal, type Schemas, type TaskStatus, type TaskSummary } from '@/api/client'
import { onEvent, type Payload } from '@/api/events'
import { useLiveCollection, type FirstRows } from '@/shared/liveCollection'
import { compareText } from '@/shared/table'

export type TaskCountMap = Readonly<Partial<Record<TaskStatus, number>>>

export interface JobTasks {
  tasks: Readonly<Ref<readonly TaskSummary[]>>
  /** Whether `tasks` are all tasks. */
  isLoaded: Readonly<Ref<boolean>>
  /** The first tasks, where they are wanted, from when they are there until all are there. They are not in `tasks`. */
  first: Readonly<Ref<FirstRows<TaskSummary> | undefined>>
  /** Why the tasks could not be fetched; empty if they were. */
  failure: Readonly<Ref<string>>
  refetch: () => Promise<void>
  counts: Readonly<Ref<TaskCountMap>>
  /** A task's place when sorted by name. Names do not change, so they are not compared at each event. */
  nameRank: (task: TaskSummary) => number
}

/** Which tasks a page shows. */
interface Wanted {
  jobId: string
  /** Whether it shows the first ones before it has all. */
  hasFirst: boolean
}

interface Begun {
  jobId: string
  tasks: JobTasks
  scope: EffectScope
  follow: (wanted: () => Wanted) => void
}

/** How long tasks that were asked for ahead wait for the page that shows them. */
const AHEAD_MS = 30_000
/** More than a screen shows. */
const FIRST = 60
/** As many as the manager sends at a time. More would keep the page busy for too long. */
const PART = 2_000
let begun: Begun | undefined

/** Asks for the tasks of a job whose page is still being loaded; the page takes them over. */
export function beginTasks(wanted: Wanted): void {
  const scope = effectScope(true)
  const followed = shallowRef(() => wanted)
  const tasks = scope.run(() => tasksOf(() => followed.value()))!
  begun = { jobId: wanted.jobId, tasks, scope, follow: (getter) => (followed.value = getter) }
  const own = begun
  window.setTimeout(() => own === begun && endBegun(), AHEAD_MS)
}

function endBegun(): void {
  begun?.scope.stop()
  begun = undefined
}

export function useTasks(wanted: () => Wanted): JobTasks {
  if (begun?.jobId !== wanted().jobId) endBegun()
  if (!begun) return tasksOf(wanted)
  const { tasks, scope, follow } = begun
  begun = undefined
  follow(wanted)
  onScopeDispose(() => scope.stop())
  return tasks
}

function tasksOf(wanted: () => Wanted): JobTasks {
  const jobId = (): string => wanted().jobId
  const collection = useLiveCollection<TaskSummary>({
    topic: () => `/jobs/${jobId()}`,
    fetchAll: () => fetchAll(jobId),
    fetchFirst: () => (wanted().hasFirst ? fetchFirst(jobId()) : Promise.resolve(undefined)),
    changed,
  })
  const tasks = computed(() => [...collection.rows.value.values()])
  const nameRanks = computed(() => ranksByName([...collection.fetched.value.values()]))
  onScopeDispose(
    onEvent('/jobs', ({ topic, payload }) => {
      if (topic === '/jobs' && payload.id === jobId() && payload.refresh_tasks) void collection.refetch()
    }),
  )
  return {
    tasks,
    isLoaded: collection.isLoaded,
    first: collection.first,
    failure: collection.failure,
    refetch: () => collection.refetch(),
    counts: computed(() => countsByStatus(tasks.value)),
    nameRank: (task) => nameRanks.value.get(task.id) ?? 0,
  }
}

/** In parts, so that no answer is long. Ends early if another job's tasks are wanted meanwhile. */
async function fetchAll(jobId: () => string): Promise<TaskSummary[]> {
  const id = jobId()
  const tasks: TaskSummary[] = []
  for (;;) {
    const part = await fetchPart(id, tasks.at(-1)?.index_in_job ?? 0, PART)
    tasks.push(...part.tasks)
    if (!part.tasks.length || tasks.length >= part.total || id !== jobId()) return tasks
  }
}

async function fetchFirst(jobId: string): Promise<FirstRows<TaskSummary>> {
  const { tasks, total } = await fetchPart(jobId, 0, FIRST)
  return { rows: tasks, total }
}

/** A job that is not there has no tasks: that it is not there, the page says elsewhere. */
async function fetchPart(jobId: string, after: number, limit: number): Promise<Schemas['FarmTaskList']> {
  const params = { path: { job_id: jobId }, query: { after, limit } }
  return answered(api.GET('/api/tablao/v1/jobs/{job_id}/tasks', { params })).catch((reason: unknown) => {
    if (reason instanceof Refusal && reason.isNotFound) return { tasks: [], total: 0 }
    throw reason
  })
}

function changed(task: TaskSummary, payload: Payload): TaskSummary {
  const worker = payload.worker as { name: string; uuid: string } | undefined
  return {
    ...task,
    silent_since: payload.silent_since as string | undefined,
    name: String(payload.name),
    status: payload.status as TaskStatus,
    updated: String(payload.updated),
    steps_completed: Number(payload.steps_completed),
    steps_total: Number(payload.steps_total),
    ...(worker && { worker: { id: worker.uuid, name: worker.name, address: task.worker?.address ?? '' } }),
  }
}

function countsByStatus(tasks: readonly TaskSummary[]): TaskCountMap {
  const counts: Partial<Record<TaskStatus, number>> = {}
  for (const { status } of tasks) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function ranksByName(tasks: readonly TaskSummary[]): Map<string, number> {
  const sorted = [...tasks].sort((a, b) => compareText(a.name, b.name))
  return new Map(sorted.map((task, rank) => [task.id, rank]))
}
