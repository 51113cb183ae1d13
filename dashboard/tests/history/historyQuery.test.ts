import { expect, test } from 'vitest'
import { parsed, periodOf, written } from '@/history/historyQuery'
import { hoursText } from '@/history/historyWords'

const NOW = new Date(2026, 10, 30, 3, 25)

test('an address says what is shown, and leaves out the defaults', () => {
  expect(written(parsed({}))).toEqual({})
  const custom = { range: 'custom', from: '2026-11-01', to: '2026-11-30', by: 'worker' }
  expect(written(parsed(custom))).toEqual(custom)
})

test('what an address cannot mean becomes the default', () => {
  expect(parsed({ range: 'for ever', by: 'price', from: 'yesterday', to: '2026-99-99' }))
    .toEqual({ range: '24h', group: 'project', from: '', to: '' })
})

test('a month is shown by days, which begin at midnight', () => {
  expect(periodOf(parsed({ range: '30d' }), NOW)).toEqual({ from: new Date(2026, 10, 1), to: NOW, by: 'day' })
  expect(periodOf(parsed({ range: '7d' }), NOW)?.by).toBe('hour')
})

test('both dates of a custom range are included', () => {
  const one = parsed({ range: 'custom', from: '2026-11-05', to: '2026-11-05' })
  expect(periodOf(one, NOW)).toEqual({ from: new Date(2026, 10, 5), to: new Date(2026, 10, 6), by: 'hour' })
})

test.each([['2026-11-05', ''], ['2026-11-05', '2026-11-04']])('a custom range from "%s" to "%s" asks nothing', (from, to) => {
  expect(periodOf(parsed({ range: 'custom', from, to }), NOW)).toBeUndefined()
})

test('little time is not none', () => {
  expect([0, 0.4, 179, 180, 7_200].map(hoursText)).toEqual(['0 h', '< 0.1 h', '< 0.1 h', '0.1 h', '2 h'])
})
