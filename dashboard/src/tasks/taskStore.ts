/** All tasks of a job. */

import { computed, effectScope, onScopeDispose, shallowRef, type EffectScope, type Ref } from 'vue'
import { answered, api, type TaskStatus, type TaskSummary } from '@/api/client'
import { onEvent, type Payload } from '@/api/events'
import { useLiveCollection } from '@/shared/liveCollection'
import { compareText } from '@/shared/table'

export type TaskCountMap = Readonly<Partial<Record<TaskStatus, number>>>

export interface JobTasks {
  tasks: Readonly<Ref<readonly TaskSummary[]>>
  isLoaded: Readonly<Ref<boolean>>
  /** Why the tasks could not be fetched; empty if they were. */
  failure: Readonly<Ref<string>>
  refetch: () => Promise<void>
  counts: Readonly<Ref<TaskCountMap>>
  /** A task's place when sorted by name. Names do not change, so they are not compared at each event. */
  nameRank: (task: TaskSummary) => number
}

interface Begun {
  jobId: string
  tasks: JobTasks
  scope: EffectScope
  follow: (jobId: () => string) => void
}

/** How long tasks that were asked for ahead wait for the page that shows them. */
const AHEAD_MS = 30_000
let begun: Begun | undefined

/** Asks for the tasks of a job whose page is still being loaded; the page takes them over. */
export function beginTasks(jobId: string): void {
  const scope = effectScope(true)
  const followed = shallowRef(() => jobId)
  const tasks = scope.run(() => tasksOf(() => followed.value()))!
  begun = { jobId, tasks, scope, follow: (getter) => (followed.value = getter) }
  const own = begun
  window.setTimeout(() => own === begun && endBegun(), AHEAD_MS)
}

function endBegun(): void {
  begun?.scope.stop()
  begun = undefined
}

export function useTasks(jobId: () => string): JobTasks {
  if (begun?.jobId !== jobId()) endBegun()
  if (!begun) return tasksOf(jobId)
  const { tasks, scope, follow } = begun
  begun = undefined
  follow(jobId)
  onScopeDispose(() => scope.stop())
  return tasks
}

function tasksOf(jobId: () => string): JobTasks {
  const collection = useLiveCollection<TaskSummary>({
    topic: () => `/jobs/${jobId()}`,
    fetchAll: async () => {
      const params = { path: { job_id: jobId() } }
      const { tasks } = await answered(api.GET('/api/v3/jobs/{job_id}/tasks', { params }))
      if (!tasks.some(({ status }) => status === 'active')) return tasks
      const { stuck } = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/progress', { params }))
      const since = new Map(stuck.map((task) => [task.index_in_job, task.silent_since]))
      return tasks.map((task) => ({ ...task, silent_since: since.get(task.index_in_job) }))
    },
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
    failure: collection.failure,
    refetch: () => collection.refetch(),
    counts: computed(() => countsByStatus(tasks.value)),
    nameRank: (task) => nameRanks.value.get(task.id) ?? 0,
  }
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
