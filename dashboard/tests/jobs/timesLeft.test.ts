import { expect, test } from 'vitest'
import { leftText, timeLeft } from '@/jobs/timesLeft'
import { job } from '../rows'

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
