/** A job's tasks, all of them, kept current by their events: one change to the page per frame. */

import { computed, onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type TaskStatus, type TaskSummary } from '@/api/client'
import { onEvent, onMissed, type FarmEvent } from '@/api/events'
import { complain } from '@/shared/notices'

export type TaskCountMap = Readonly<Partial<Record<TaskStatus, number>>>

export interface JobTasks {
  tasks: Readonly<Ref<readonly TaskSummary[]>>
  isLoaded: Readonly<Ref<boolean>>
  counts: Readonly<Ref<TaskCountMap>>
  /** A task's place when sorted by name: names stay, so they are compared once and not ten times a second. */
  nameRank: (task: TaskSummary) => number
}

/** Between two changes to the page: ten a second look live, and leave time for scrolling. */
const PAUSE_MS = 100
const HIDDEN_PAGE_MS = 1_000

type Payload = Record<string, unknown>

export function useTasks(jobId: () => string): JobTasks {
  const tasks = shallowRef<readonly TaskSummary[]>([])
  const isLoaded = shallowRef(false)
  const waiting = new Map<string, Payload>()
  const meanwhile = new Map<string, Payload>()
  const fetched = shallowRef<readonly TaskSummary[]>([])
  const nameRanks = computed(() => ranked(fetched.value))
  let places = new Map<string, number>()
  let flushed = 0
  let isFlushDue = false
  let isFetching = false
  let isStale = false

  function forget(): void {
    tasks.value = fetched.value = []
    isLoaded.value = false
    waiting.clear()
    meanwhile.clear()
    places = new Map()
  }

  async function fetchAll(): Promise<void> {
    isStale = true
    if (isFetching) return
    isFetching = true
    try {
      while (isStale) {
        isStale = false
        await fetchOnce(jobId())
      }
    } catch (reason) {
      complain(reason)
    } finally {
      isFetching = false
    }
  }

  async function fetchOnce(id: string): Promise<void> {
    meanwhile.clear()
    const path = { job_id: id }
    const found = await answered(api.GET('/api/v3/jobs/{job_id}/tasks', { params: { path } }))
    if (id !== jobId()) return
    places = new Map(found.tasks.map((task, place) => [task.id, place]))
    tasks.value = fetched.value = found.tasks
    isLoaded.value = true
    // It holds all that was told before it was asked for, and may be older than what was told since.
    waiting.clear()
    for (const payload of meanwhile.values()) enqueue(payload)
  }

  function heard({ topic, payload }: FarmEvent): void {
    if (topic === '/jobs') {
      if (payload.id === jobId() && payload.refresh_tasks) void fetchAll()
    } else if (topic === `/jobs/${jobId()}`) {
      if (isFetching) meanwhile.set(String(payload.id), payload)
      enqueue(payload)
    }
  }

  function enqueue(payload: Payload): void {
    waiting.set(String(payload.id), payload)
    if (isFlushDue) return
    isFlushDue = true
    const pause = document.hidden ? HIDDEN_PAGE_MS : PAUSE_MS - (performance.now() - flushed)
    if (pause > 0) window.setTimeout(flush, pause)
    else window.requestAnimationFrame(flush)
  }

  function flush(): void {
    isFlushDue = false
    flushed = performance.now()
    const changed = [...tasks.value]
    for (const [id, payload] of waiting) {
      const place = places.get(id)
      const known = place === undefined ? undefined : changed[place]
      if (known && place !== undefined) changed[place] = told(known, payload)
    }
    waiting.clear()
    tasks.value = changed
  }

  watch(jobId, () => {
    forget()
    void fetchAll()
  }, { immediate: true })
  onScopeDispose(onEvent('/jobs', heard))
  onScopeDispose(onMissed(() => void fetchAll()))
  return { tasks, isLoaded, counts: computed(() => counted(tasks.value)), nameRank: (task) => nameRanks.value.get(task.id) ?? 0 }
}

function told(task: TaskSummary, payload: Payload): TaskSummary {
  const worker = payload.worker as { name: string; uuid: string } | undefined
  return {
    ...task,
    name: String(payload.name),
    status: payload.status as TaskStatus,
    updated: String(payload.updated),
    steps_completed: Number(payload.steps_completed),
    steps_total: Number(payload.steps_total),
    ...(worker && { worker: { id: worker.uuid, name: worker.name, address: task.worker?.address ?? '' } }),
  }
}

function counted(tasks: readonly TaskSummary[]): TaskCountMap {
  const counts: Partial<Record<TaskStatus, number>> = {}
  for (const { status } of tasks) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

function ranked(tasks: readonly TaskSummary[]): Map<string, number> {
  const sorted = [...tasks].sort((a, b) => collator.compare(a.name, b.name))
  return new Map(sorted.map((task, rank) => [task.id, rank]))
}
