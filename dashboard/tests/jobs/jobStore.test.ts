import { beforeEach, expect, test, vi } from 'vitest'
import type { Job } from '@/api/client'
import { frameShown, type FakeFarm } from '../fakeFarm'
import { job } from '../rows'

const LIST = '/api/tablao/v1/jobs'
let farm: FakeFarm
let jobs: () => Job[]

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  farm = new FakeFarm()
  const store = await import('@/jobs/jobStore')
  const { rows } = store.useJobs()
  jobs = () => [...rows.value.values()]
  await farm.answer(LIST, { jobs: [job({ id: '1', metadata: { project: 'Pilot' } })] })
})

const told = { id: '1', name: 'New name', status: 'active', priority: 60, updated: 'later', steps_completed: 3, steps_total: 9 }

test('an event changes what it tells, and leaves the rest', async () => {
  farm.send('/jobs', told)
  await frameShown()

  expect(jobs()).toMatchObject([{ ...told, metadata: { project: 'Pilot' } }])
})

test('an event without steps and name leaves them as they are', async () => {
  farm.send('/jobs', told)
  farm.send('/jobs', { id: '1', status: 'paused', priority: 60, updated: 'later' })
  await frameShown()

  expect(jobs()).toMatchObject([{ name: 'Shot 010', steps_total: 0, status: 'paused' }])
})

test('an event may tell how many tasks are stuck, and that none is', async () => {
  farm.send('/jobs', { ...told, tasks_stuck: 2 })
  farm.send('/jobs', told)
  await frameShown()
  const before = jobs()[0]?.tasks_stuck
  farm.send('/jobs', { ...told, tasks_stuck: 0 })
  await frameShown()

  expect([before, jobs()[0]?.tasks_stuck]).toEqual([2, 0])
})

test('an event tells the counts of the tasks, a new tag and a new project', async () => {
  const counted = { ...told, task_counts: { active: 2, queued: 7 }, frame_s: 4.5 }
  farm.send('/jobs', { ...counted, worker_tag: 'gpu' })
  farm.send('/jobs', { ...counted, project: '' })
  await frameShown()

  expect(jobs()[0]).toMatchObject({ task_counts: { active: 2, queued: 7 }, frame_s: 4.5, worker_tag: 'gpu', metadata: {} })
})

test.each(['was_deleted', 'archived_at'])('a job goes when the event has %s', async (key) => {
  farm.send('/jobs', { ...told, [key]: true })
  await frameShown()

  expect(jobs()).toEqual([])
})

test('a new job is fetched, since events do not tell its settings', async () => {
  farm.send('/jobs', { ...told, id: '2' })
  await frameShown()

  await farm.answer(`${LIST}/2`, job({ id: '2' }))

  expect(jobs().map(({ id }) => id)).toEqual(['2', '1'])
})

test('every component has the same jobs', async () => {
  const { useJobs } = await import('@/jobs/jobStore')

  expect(useJobs()).toBe(useJobs())
})

test('the newest jobs come first where the page wants them, and are not taken for all', async () => {
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  const farm = new FakeFarm()
  const { beginJobs, useJobs } = await import('@/jobs/jobStore')
  beginJobs(true)
  expect(farm.query(LIST)).toBe('limit=60')
  await farm.answer(LIST, { jobs: [job({ id: '2' })], total: 2 })
  const { rows, first, isLoaded } = useJobs()

  expect([first.value?.rows.map(({ id }) => id), first.value?.total]).toEqual([['2'], 2])
  expect([rows.value.size, isLoaded.value]).toEqual([0, false])
})
