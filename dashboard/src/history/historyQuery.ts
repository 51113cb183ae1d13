/** What the page of the farm's history shows, as a value and in the page's address. */

import type { LocationQuery, LocationQueryRaw } from 'vue-router'

export const RANGES = { '24h': '24 hours', '7d': '7 days', '30d': '30 days', 'custom': 'Custom' } as const
export type Range = keyof typeof RANGES
export const GROUPS = { project: 'Projects', user: 'Users', worker: 'Workers', tag: 'Tags', cause: 'Failures by cause' } as const
export type Group = keyof typeof GROUPS

export interface HistoryQuery {
  range: Range
  /** Dates such as `2026-11-30`, both included; of a custom range. */
  from: string
  to: string
  group: Group
}

export interface Period {
  from: Date
  to: Date
  by: 'hour' | 'day'
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Of longer ranges, days are shown. */
const LONGEST_IN_HOURS_MS = 8 * DAY_MS
const DAYS_OF: Record<Exclude<Range, 'custom'>, number> = { '24h': 1, '7d': 7, '30d': 30 }

export function parsed(query: LocationQuery): HistoryQuery {
  const range = String(query.range ?? '')
  const group = String(query.by ?? '')
  return {
    range: range in RANGES ? (range as Range) : '24h',
    from: dateIn(query.from),
    to: dateIn(query.to),
    group: group in GROUPS ? (group as Group) : 'project',
  }
}

/** Leaves out defaults, so equal queries have equal addresses. */
export function written({ range, from, to, group }: HistoryQuery): LocationQueryRaw {
  return {
    ...(range !== '24h' && { range }),
    ...(range === 'custom' && { from, to }),
    ...(group !== 'project' && { by: group }),
  }
}

/** Undefined while a custom range lacks a date, or ends before it begins. */
export function periodOf({ range, from, to }: HistoryQuery, now: Date): Period | undefined {
  if (range !== 'custom') {
    const days = DAYS_OF[range]
    // Days are whole ones: the first begins at midnight.
    const begin = days > 8 ? midnight(now, 1 - days) : new Date(now.getTime() - days * DAY_MS)
    return { from: begin, to: now, by: days > 8 ? 'day' : 'hour' }
  }
  if (!from || !to || to < from) return undefined
  const [begin, end] = [new Date(`${from}T00:00`), midnight(new Date(`${to}T00:00`), 1)]
  return { from: begin, to: end, by: end.getTime() - begin.getTime() > LONGEST_IN_HOURS_MS ? 'day' : 'hour' }
}

/** The date of the user's own calendar. */
export function dateOf(at: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

function midnight(at: Date, daysLater: number): Date {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + daysLater)
}

function dateIn(value: unknown): string {
  const text = String(value ?? '')
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : ''
}
