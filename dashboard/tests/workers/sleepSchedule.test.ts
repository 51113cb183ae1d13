import { describe, expect, test } from 'vitest'
import { changedFields, daysOf, inWords, spansOf, type SleepSchedule } from '@/workers/sleepSchedule'

const schedule = (days_of_week: string, start_time: string, end_time: string): SleepSchedule =>
  ({ is_active: true, days_of_week, start_time, end_time })

test.each([
  ['mo fr', ['mo', 'fr']],
  ['Friday  monday', ['mo', 'fr']],
  ['', []],
])('days of "%s": %j', (text, days) => {
  expect(daysOf(text)).toEqual(days)
})

describe('spans', () => {
  test('of one day', () => {
    expect(spansOf(schedule('mo', '09:00', '18:30'))).toEqual([{ day: 'mo', begin: 540, end: 1_110 }])
  })

  test('over midnight are two, also from Sunday to Monday', () => {
    expect(spansOf(schedule('su', '22:00', '06:00'))).toEqual([
      { day: 'su', begin: 1_320, end: 1_440 },
      { day: 'mo', begin: 0, end: 360 },
    ])
  })

  test('to midnight are one', () => {
    expect(spansOf(schedule('mo', '22:00', '00:00'))).toEqual([{ day: 'mo', begin: 1_320, end: 1_440 }])
    expect(spansOf(schedule('mo', '22:00', ''))).toEqual([{ day: 'mo', begin: 1_320, end: 1_440 }])
  })

  test('of no days are on every day', () => {
    expect(spansOf(schedule('', '', '06:00'))).toHaveLength(7)
  })
})

test.each([
  [schedule('mo fr', '22:00', '06:00'), 'Sleeps in the nights that begin on Mondays and Fridays, from 22:00 to 06:00 the next morning.'],
  [schedule('', '22:00', '06:00'), 'Sleeps every night, from 22:00 to 06:00 the next morning.'],
  [schedule('mo tu we', '09:00', '18:00'), 'Sleeps on Mondays, Tuesdays and Wednesdays from 09:00 to 18:00.'],
  [schedule('', '', ''), 'Sleeps every day from 00:00 to midnight.'],
  [{ ...schedule('mo', '', ''), is_active: false }, 'It does not sleep by a schedule.'],
])('schedule %# in words', (each, text) => {
  expect(inWords(each)).toBe(text)
})

test('only fields that were edited are kept over a schedule that another user saved', () => {
  const before = { is_active: true, days_of_week: 'mo', start_time: '09:00', end_time: '18:00' }

  expect(changedFields(before, { ...before, end_time: '19:00' })).toEqual({ end_time: '19:00' })
  expect(changedFields(before, before)).toEqual({})
})
