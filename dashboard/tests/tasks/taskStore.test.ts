import { beforeEach, expect, test, vi } from 'vitest'
import { effectScope, shallowRef } from 'vue'
import type { JobTasks } from '@/tasks/taskStore'
import { frameShown, type FakeFarm } from '../fakeFarm'
import { task } from '../rows'

const LIST = '/api/v3/jobs/job-1/tasks'
let farm: FakeFarm
let store: JobTasks

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  farm = new FakeFarm()
  const { useTasks } = await import('@/tasks/taskStore')
  store = effectScope(true).run(() => useTasks(() => 'job-1'))!
  await farm.answer(LIST, { tasks: [task({ id: '1', name: 'frame-10' }), task({ id: '2', name: 'frame-9' })] })
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
  await farm.answer(LIST, { tasks: [task({ id: '1', index_in_job: 1, status: 'active' }), task({ id: '2', index_in_job: 2 })] })
  await farm.answer('/api/tablao/v1/jobs/job-1/progress', {
    tasks: [], stuck: [{ index_in_job: 1, silent_since: '2026-01-02T03:04:05Z' }],
  })

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
  await farm.answer(LIST, { tasks: [task({ id: '3' })] })

  expect(store.tasks.value.map(({ id }) => id)).toEqual(['3'])
})

test('names are ranked with their numbers as numbers', () => {
  expect(store.tasks.value.map(store.nameRank)).toEqual([1, 0])
  expect(store.nameRank(task({ id: 'unknown' }))).toBe(0)
})

test('a page takes over the tasks that were asked for ahead, and follows the job that is shown', async () => {
  const { beginTasks, useTasks } = await import('@/tasks/taskStore')
  const shown = shallowRef('job-2')
  beginTasks('job-2')
  await farm.answer('/api/v3/jobs/job-2/tasks', { tasks: [task({ id: '7' })] })
  farm.send('/jobs/job-2', { ...event, id: '7' })
  const scope = effectScope(true)

  const taken = scope.run(() => useTasks(() => shown.value))!
  await frameShown()
  expect(taken.tasks.value.map(({ id, status }) => `${id} ${status}`)).toEqual(['7 active'])
  expect(farm.asked('/api/v3/jobs/job-2/tasks')).toBe(0)

  shown.value = 'job-3'
  await farm.answer('/api/v3/jobs/job-3/tasks', { tasks: [task({ id: '8' })] })
  expect(taken.tasks.value.map(({ id }) => id)).toEqual(['8'])

  scope.stop()
  farm.send('/jobs', { id: 'job-3', refresh_tasks: true })
  await frameShown()
  expect(farm.asked('/api/v3/jobs/job-3/tasks')).toBe(0)
})

test('tasks that were asked for ahead and that no page shows are forgotten', async () => {
  const { beginTasks, useTasks } = await import('@/tasks/taskStore')
  beginTasks('job-2')
  await farm.answer('/api/v3/jobs/job-2/tasks', { tasks: [] })
  await vi.advanceTimersByTimeAsync(31_000)

  effectScope(true).run(() => useTasks(() => 'job-2'))

  expect(farm.asked('/api/v3/jobs/job-2/tasks')).toBe(1)
})
