import { beforeEach, expect, test, vi } from 'vitest'
import { effectScope, shallowRef } from 'vue'
import type { TaskSummary } from '@/api/client'
import type { JobTasks } from '@/tasks/taskStore'
import { frameShown, type FakeFarm } from '../fakeFarm'
import { task } from '../rows'

const LIST = '/api/tablao/v1/jobs/job-1/tasks'
let farm: FakeFarm
let store: JobTasks

/** An answer with all tasks of a job. */
const list = (...tasks: TaskSummary[]): object => ({ tasks, total: tasks.length })

/** Tasks with these indexes, which are their ids, too. */
const numbered = (first: number, last: number): TaskSummary[] =>
  Array.from({ length: last - first + 1 }, (_, place) => task({ id: String(first + place), index_in_job: first + place }))

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  farm = new FakeFarm()
  const { useTasks } = await import('@/tasks/taskStore')
  store = effectScope(true).run(() => useTasks(() => ({ jobId: 'job-1', hasFirst: false })))!
  await farm.answer(LIST, list(task({ id: '1', name: 'frame-10' }), task({ id: '2', name: 'frame-9' })))
})

const event = { id: '1', name: 'frame-10', status: 'active', updated: 'later', steps_completed: 1, steps_total: 2 }

test('an event changes a task in its place, and the counts', async () => {
  farm.send('/jobs/job-1', { ...event, worker: { name: 'anita', uuid: 'w1' } })
  await frameShown()

  expect(store.tasks.value.map(({ id, status }) => `${id} ${status}`)).toEqual(['1 active', '2 queued'])
  expect(store.tasks.value[0]?.worker).toEqual({ id: 'w1', name: 'anita', address: '' })
  expect(store.counts.value).toEqual({ active: 1, queued: 1 })
})

test('a task is stuck from an event to the next one without it', async () => {
  const since = '2026-01-02T03:04:05Z'
  farm.send('/jobs/job-1', { ...event, silent_since: since })
  await frameShown()
  const before = store.tasks.value.map((each) => each.silent_since)

  farm.send('/jobs/job-1', event)
  await frameShown()

  expect(before).toEqual([since, undefined])
  expect(store.tasks.value.map((each) => each.silent_since)).toEqual([undefined, undefined])
})

test('the stuck tasks of a job at work are known from the beginning', async () => {
  farm.send('/jobs', { id: 'job-1', refresh_tasks: true })
  await farm.answer(LIST, list(task({ id: '1', status: 'active', silent_since: '2026-01-02T03:04:05Z' }), task({ id: '2' })))

  expect(store.tasks.value.map((each) => each.silent_since)).toEqual(['2026-01-02T03:04:05Z', undefined])
})

test('events of other jobs are ignored', async () => {
  farm.send('/jobs/job-2', event)
  await frameShown()

  expect(store.counts.value).toEqual({ queued: 2 })
})

test('a job with other tasks fetches them again', async () => {
  farm.send('/jobs', { id: 'job-2', refresh_tasks: true })
  await frameShown()
  expect(farm.asked(LIST)).toBe(0)

  farm.send('/jobs', { id: 'job-1', refresh_tasks: true })
  await farm.answer(LIST, list(task({ id: '3' })))

  expect(store.tasks.value.map(({ id }) => id)).toEqual(['3'])
})

test('names are ranked with their numbers as numbers', () => {
  expect(store.tasks.value.map(store.nameRank)).toEqual([1, 0])
  expect(store.nameRank(task({ id: 'unknown' }))).toBe(0)
})

test('a page takes over the tasks that were asked for ahead, and follows the job that is shown', async () => {
  const { beginTasks, useTasks } = await import('@/tasks/taskStore')
  const shown = shallowRef('job-2')
  beginTasks({ jobId: 'job-2', hasFirst: false })
  await farm.answer('/api/tablao/v1/jobs/job-2/tasks', list(task({ id: '7' })))
  farm.send('/jobs/job-2', { ...event, id: '7' })
  const scope = effectScope(true)

  const taken = scope.run(() => useTasks(() => ({ jobId: shown.value, hasFirst: false })))!
  await frameShown()
  expect(taken.tasks.value.map(({ id, status }) => `${id} ${status}`)).toEqual(['7 active'])
  expect(farm.asked('/api/tablao/v1/jobs/job-2/tasks')).toBe(0)

  shown.value = 'job-3'
  await farm.answer('/api/tablao/v1/jobs/job-3/tasks', list(task({ id: '8' })))
  expect(taken.tasks.value.map(({ id }) => id)).toEqual(['8'])

  scope.stop()
  farm.send('/jobs', { id: 'job-3', refresh_tasks: true })
  await frameShown()
  expect(farm.asked('/api/tablao/v1/jobs/job-3/tasks')).toBe(0)
})

test('tasks that were asked for ahead and that no page shows are forgotten', async () => {
  const { beginTasks, useTasks } = await import('@/tasks/taskStore')
  beginTasks({ jobId: 'job-2', hasFirst: false })
  await farm.answer('/api/tablao/v1/jobs/job-2/tasks', list())
  await vi.advanceTimersByTimeAsync(31_000)

  effectScope(true).run(() => useTasks(() => ({ jobId: 'job-2', hasFirst: false })))
  await frameShown()

  expect(farm.asked('/api/tablao/v1/jobs/job-2/tasks')).toBe(1)
})

test('many tasks are fetched in parts, and shown when all are there', async () => {
  farm.send('/jobs', { id: 'job-1', refresh_tasks: true })
  await farm.answer(LIST, { tasks: numbered(1, 2_000), total: 2_001 })
  const before = store.tasks.value.length
  expect(farm.query(LIST)).toBe('after=2000&limit=2000')
  await farm.answer(LIST, { tasks: numbered(2_001, 2_001), total: 2_001 })

  expect([before, store.tasks.value.length]).toEqual([2, 2_001])
  expect(farm.asked(LIST)).toBe(0)
})

test('tasks that are deleted between two parts do not keep the page asking', async () => {
  farm.send('/jobs', { id: 'job-1', refresh_tasks: true })
  await farm.answer(LIST, { tasks: numbered(1, 2_000), total: 2_001 })
  await farm.answer(LIST, { code: 404, message: 'no such job' }, 404)

  expect(store.tasks.value.length).toBe(2_000)
  expect(farm.asked(LIST)).toBe(0)
  expect(store.failure.value).toBe('')
})

test('where the first tasks are wanted, they come before all, and counts wait for all', async () => {
  const { useTasks } = await import('@/tasks/taskStore')
  const { firstPageIsMade } = await import('@/shared/firstPage')
  const path = '/api/tablao/v1/jobs/job-2/tasks'
  const long = effectScope(true).run(() => useTasks(() => ({ jobId: 'job-2', hasFirst: true })))!
  expect(farm.query(path)).toBe('after=0&limit=60')
  await farm.answer(path, { tasks: numbered(1, 60), total: 300 })

  expect([long.first.value?.rows.length, long.first.value?.total]).toEqual([60, 300])
  expect([long.isLoaded.value, long.tasks.value.length, long.counts.value]).toEqual([false, 0, {}])
  firstPageIsMade()
  await frameShown()
  await farm.answer(path, { tasks: numbered(1, 300), total: 300 })

  expect([long.isLoaded.value, long.first.value, long.counts.value]).toEqual([true, undefined, { queued: 300 }])
})
