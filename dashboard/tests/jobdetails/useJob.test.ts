import { beforeEach, expect, test, vi } from 'vitest'
import { effectScope } from 'vue'
import { frameShown, type FakeFarm } from '../fakeFarm'
import { job } from '../rows'

const LIST = '/api/tablao/v1/jobs'
const ONE = `${LIST}/1`
let farm: FakeFarm

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  farm = new FakeFarm()
})

async function used(): Promise<ReturnType<typeof import('@/jobdetails/useJob').useJob>> {
  const { useJob } = await import('@/jobdetails/useJob')
  const found = effectScope(true).run(() => useJob(() => '1'))!
  await frameShown()
  return found
}

test('a job is there before the list of jobs, and is fetched once', async () => {
  const { job: found } = await used()
  await farm.answer(ONE, job({ id: '1', activity: 'told alone' }))
  expect(found.value?.activity).toBe('told alone')

  await farm.answer(LIST, { jobs: [job({ id: '1' })], total: 1 })
  await frameShown()

  expect(found.value?.activity).toBe('told alone')
  expect(farm.asked(ONE)).toBe(0)
})

test('a page takes over the job that was asked for ahead', async () => {
  const { beginJob } = await import('@/jobdetails/useJob')
  beginJob('1')
  const { job: found } = await used()

  expect(farm.asked(ONE)).toBe(1)
  await farm.answer(ONE, job({ id: '1' }))

  expect(found.value?.id).toBe('1')
})

test('a job whose status is another one in the list is fetched again', async () => {
  await used()
  await farm.answer(ONE, job({ id: '1', status: 'queued' }))
  await farm.answer(LIST, { jobs: [job({ id: '1', status: 'active' })], total: 1 })
  await frameShown()

  expect(farm.asked(ONE)).toBe(1)
})

test('only a job that the manager does not know is gone', async () => {
  const { job: found, isGone } = await used()
  await farm.answer(ONE, { code: 503, message: 'busy' }, 503)
  expect(isGone.value).toBe(false)

  await farm.answer(LIST, { jobs: [], total: 0 })
  await frameShown()
  await farm.answer(ONE, { code: 404, message: 'no such job' }, 404)

  expect([isGone.value, found.value]).toEqual([true, undefined])
})
