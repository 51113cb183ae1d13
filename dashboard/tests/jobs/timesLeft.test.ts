import { effectScope, type Ref } from 'vue'
import { expect, test, vi } from 'vitest'
import { leftText, timeLeft, type TimesLeft } from '@/jobs/timesLeft'
import type { FakeFarm } from '../fakeFarm'
import { job } from '../rows'

const TIME_LEFT = '/api/tablao/v1/time-left'
const ANSWER = { jobs: [{ job_id: 'job-1', earliest_s: 4, latest_s: 4 }], workers: { 'job-1': 1 } }

test.each([
  [0.2, 3.1, 'up to 4 s'],
  [12, 12, '12 s'],
  [40.9, 70.1, '40–71 s'],
  [80, 130, '1–3 min'],
  [245, 355, '4–6 min'],
  [10, 5_000, 'up to 84 min'],
  [3_700, 7_300, '1–3 h'],
  [90_000, 200_000, '1–3 days'],
])('%d to %d seconds: %s', (earliest_s, latest_s, text) => {
  expect(leftText(job({ status: 'active' }), new Map([['job-1', { earliest_s, latest_s }]]))).toBe(`${text} left`)
})

test('a job says how long it still takes only while it is active', () => {
  const times = new Map([['job-1', { earliest_s: 245, latest_s: 355 }]])

  expect(leftText(job({ status: 'active' }), times)).toBe('4–6 min left')
  expect(timeLeft(job({ status: 'active' }), times)).toBe('4–6 min')
  expect(leftText(job({ status: 'active', id: 'job-2' }), times)).toBe('not known yet')
  expect(leftText(job({ status: 'active', id: 'job-2' }), times, 'time left not known')).toBe('time left not known')
  expect(leftText(job({ status: 'paused' }), times)).toBe('')
})

async function activeJob(): Promise<[FakeFarm, Readonly<Ref<TimesLeft>>]> {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  const farm = new FakeFarm()
  const { useTimesLeft } = await import('@/jobs/timesLeft')
  const times = effectScope(true).run(useTimesLeft)!
  await farm.answer('/api/tablao/v1/jobs', { jobs: [job({ status: 'active' })] })
  return [farm, times]
}

test('while nothing happens, the manager is asked once a minute, after an event soon', async () => {
  const [farm, times] = await activeJob()
  await farm.answer(TIME_LEFT, ANSWER)
  expect(times.value.get('job-1')).toMatchObject({ latest_s: 4 })

  await vi.advanceTimersByTimeAsync(50_000)
  expect(farm.asked(TIME_LEFT)).toBe(0)

  farm.send('/workers', { id: 'worker-1', name: 'anita', status: 'awake', updated: '2026-01-01T00:00:00Z' })
  await vi.advanceTimersByTimeAsync(4_000)
  expect(farm.asked(TIME_LEFT)).toBe(1)
  await farm.answer(TIME_LEFT, ANSWER)

  await vi.advanceTimersByTimeAsync(64_000)
  expect(farm.asked(TIME_LEFT)).toBe(1)
})

test('a job that no worker is at does not come nearer to its end by itself', async () => {
  const [farm] = await activeJob()
  await farm.answer(TIME_LEFT, { jobs: [], workers: {} })

  await vi.advanceTimersByTimeAsync(200_000)

  expect(farm.asked(TIME_LEFT)).toBe(0)
})
