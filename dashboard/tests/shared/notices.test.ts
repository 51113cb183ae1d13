import { expect, test, vi } from 'vitest'
import { complain, dismiss, notices, say } from '@/shared/notices'

test('a notice goes by itself, a refusal later', () => {
  vi.useFakeTimers()
  say('3 jobs paused')
  complain(new Error('no'))

  vi.advanceTimersByTime(7_000)
  expect(notices.value.map(({ text }) => text)).toEqual(['no'])
  vi.advanceTimersByTime(20_000)

  expect(notices.value).toEqual([])
})

test('at most four are shown, and each can be dismissed', () => {
  for (const text of ['1', '2', '3', '4', '5']) say(text)
  expect(notices.value.map(({ text }) => text)).toEqual(['2', '3', '4', '5'])

  dismiss(notices.value[0]!.id)

  expect(notices.value.map(({ text }) => text)).toEqual(['3', '4', '5'])
})
