import { expect, test, vi } from 'vitest'

test.each([
  ['2026-01-10T11:59:30Z', 'just now'],
  ['2026-01-10T12:00:30Z', 'just now'],
  ['2026-01-10T11:59:00Z', '1 min ago'],
  ['2026-01-10T10:00:01Z', '1 h ago'],
  ['2026-01-08T11:00:00Z', '2 d ago'],
])('%s is %s', async (moment, text) => {
  vi.useFakeTimers({ now: new Date('2026-01-10T12:00:00Z') })
  vi.resetModules()
  const { ago } = await import('@/shared/ago')

  expect(ago(moment)).toBe(text)
})

test('the time goes on while the page is open', async () => {
  vi.useFakeTimers({ now: new Date('2026-01-10T12:00:00Z') })
  vi.resetModules()
  const { ago } = await import('@/shared/ago')

  vi.advanceTimersByTime(5 * 60_000)

  expect(ago('2026-01-10T12:00:00Z')).toBe('5 min ago')
})
