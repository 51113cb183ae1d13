/** A worker's sleep schedule as a text and as parts of a week. */

import type { Schemas } from '@/api/client'

export type SleepSchedule = Schemas['WorkerSleepSchedule']

export const DAYS = ['mo', 'tu', 'we', 'th', 'fr', 'sa', 'su'] as const
export type Day = (typeof DAYS)[number]
export const DAY_NAMES: Record<Day, string> = {
  mo: 'Monday', tu: 'Tuesday', we: 'Wednesday', th: 'Thursday', fr: 'Friday', sa: 'Saturday', su: 'Sunday',
}
const DAY_MIN = 24 * 60

/** Schedules that one click fills in. */
export const USUAL_SCHEDULES: readonly { label: string; schedule: SleepSchedule }[] = [
  { label: 'Nights', schedule: { is_active: true, days_of_week: '', start_time: '22:00', end_time: '06:00' } },
  { label: 'Office hours', schedule: { is_active: true, days_of_week: 'mo tu we th fr', start_time: '09:00', end_time: '18:00' } },
  { label: 'Weekends', schedule: { is_active: true, days_of_week: 'sa su', start_time: '', end_time: '' } },
]

/** The fields of `after` that differ from `before`. */
export function changedFields(before: SleepSchedule, after: SleepSchedule): Partial<SleepSchedule> {
  const isChanged = ([field, value]: [string, unknown]): boolean => before[field as keyof SleepSchedule] !== value
  return Object.fromEntries(Object.entries(after).filter(isChanged))
}

/** From and to, in minutes since midnight; the end is exclusive. */
export interface Span {
  day: Day
  begin: number
  end: number
}

/** Reads the first two letters of each word. The manager means every day by no days. */
export function daysOf(text: string): Day[] {
  const words = text.toLowerCase().split(/\s+/).map((each) => each.slice(0, 2))
  return DAYS.filter((day) => words.includes(day))
}

/** An empty start is midnight, an empty end the next midnight. An end before the start is on the next day. */
export function spansOf({ days_of_week, start_time, end_time }: SleepSchedule): Span[] {
  const begin = minutes(start_time) ?? 0
  const end = minutes(end_time) ?? DAY_MIN
  const days = daysOf(days_of_week)
  return (days.length ? days : [...DAYS]).flatMap((day) => {
    if (end > begin) return [{ day, begin, end }]
    return [{ day, begin, end: DAY_MIN }, { day: after(day), begin: 0, end }].filter((span) => span.end > span.begin)
  })
}

function isOvernight({ start_time, end_time }: SleepSchedule): boolean {
  const end = minutes(end_time)
  return end !== undefined && end <= (minutes(start_time) ?? 0)
}

export function inWords(schedule: SleepSchedule): string {
  if (!schedule.is_active) return 'It does not sleep by a schedule.'
  const days = daysOf(schedule.days_of_week)
  const isEvery = !days.length || days.length === DAYS.length
  const when = isEvery ? 'every day' : `on ${listed(days.map((day) => `${DAY_NAMES[day]}s`))}`
  const from = schedule.start_time || '00:00'
  const to = schedule.end_time || 'midnight'
  if (!isOvernight(schedule)) return `Sleeps ${when} from ${from} to ${to}.`
  const nights = isEvery ? 'every night' : `in the nights that begin ${when}`
  return `Sleeps ${nights}, from ${from} to ${to} the next morning.`
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

function after(day: Day): Day {
  return DAYS[(DAYS.indexOf(day) + 1) % DAYS.length]!
}

function minutes(time: string): number | undefined {
  const found = /^(\d{1,2}):(\d{2})/.exec(time)
  return found ? Number(found[1]) * 60 + Number(found[2]) : undefined
}
