/** What is shown of a task's log: which try, which lines are marked, and what is searched for. */

import type { LocationQuery, LocationQueryRaw } from 'vue-router'

export interface LogPlace {
  /** Undefined: the newest. */
  attempt: number | undefined
  /** The first and the last of the marked lines, from 1. */
  from: number | undefined
  to: number | undefined
  text: string
  isPattern: boolean
}

export const WHOLE_LOG: LogPlace = { attempt: undefined, from: undefined, to: undefined, text: '', isPattern: false }
export const LONGEST_TEXT = 500
const LINES = /^(\d{1,9})(?:-(\d{1,9}))?$/

export function placeIn(query: LocationQuery): LogPlace {
  const [, from, to = from] = LINES.exec(String(query.line ?? '')) ?? []
  const ends = from === undefined ? [] : [Number(from), Number(to)].sort((a, b) => a - b)
  return {
    attempt: /^\d{1,6}$/.test(String(query.try ?? '')) ? Number(query.try) : undefined,
    from: ends[0] || undefined,
    to: ends[0] ? ends[1] : undefined,
    text: String(query.find ?? '').slice(0, LONGEST_TEXT),
    isPattern: query.pattern === '1',
  }
}

export function queryOf({ attempt, from, to, text, isPattern }: LogPlace): LocationQueryRaw {
  return {
    ...(attempt !== undefined && { try: attempt }),
    ...(from !== undefined && { line: from === to ? from : `${from}-${to}` }),
    ...(text && { find: text }),
    ...(isPattern && { pattern: 1 }),
  }
}
