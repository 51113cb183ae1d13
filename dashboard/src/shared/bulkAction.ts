/** One request for each of several rows, and one report of what was done and what was refused. */

import { complain, say, type Undo } from './notices'

/** So many requests are under way together. */
const AT_ONCE = 6

export interface Outcome<Row> {
  /** In the order of the rows. */
  done: readonly Row[]
  refusals: readonly { row: Row; reason: string }[]
}

export interface Wording<Row> {
  /** `3 jobs`, or the name of one row. */
  named: (rows: readonly Row[]) => string
  /** What was done, after the names: `paused`. */
  done: string
  /** Undefined where what was done cannot be taken back. */
  undo?: Undo | undefined
}

/** Sends each request, whether others are refused or not. `answered` is called after each answer. */
export async function forEachRow<Row>(
  rows: readonly Row[], send: (row: Row) => Promise<unknown>, answered?: () => void,
): Promise<Outcome<Row>> {
  const reasons = new Map<Row, string>()
  const left = rows.values()
  async function sendNext(): Promise<void> {
    for (const row of left) {
      try {
        await send(row)
      } catch (reason) {
        reasons.set(row, reason instanceof Error ? reason.message : String(reason))
      }
      answered?.()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, sendNext))
  return {
    done: rows.filter((row) => !reasons.has(row)),
    refusals: [...reasons].map(([row, reason]) => ({ row, reason })),
  }
}

/** In two sentences at most; each reason once. */
export function report<Row>({ done, refusals }: Outcome<Row>, wording: Wording<Row>): void {
  if (done.length) say(`${wording.named(done)} ${wording.done}`, wording.undo)
  reportRefusals(refusals, wording.named)
}

/** For actions whose result is seen without a report. */
export function reportRefusals<Row>(refusals: Outcome<Row>['refusals'], named: Wording<Row>['named']): void {
  if (!refusals.length) return
  const reasons = [...new Set(refusals.map(({ reason }) => reason))].join('; ')
  complain(`Not done for ${named(refusals.map(({ row }) => row))}: ${reasons}`)
}

/** `1 job`, `2,000 jobs`. */
export function countText(count: number, singular: string): string {
  return `${count.toLocaleString()} ${singular}${count === 1 ? '' : 's'}`
}
