/** The lines of a log: their severity, and cutting them at what is searched for. */

export type Severity = 'error' | 'warning' | ''

export interface Piece {
  text: string
  isMatch: boolean
}

/** Places in a line, in ascending order: from, to, from, to… The ends are not included. */
export type Marks = readonly number[]

const ERROR = /\b(error|errors|fatal|traceback|exception|failed|segfault|out of memory)\b/i
const WARNING = /\bwarn(ing)?s?\b/i
const HARMLESS = /\b(0|no) errors?\b/i
// Colours and other commands for terminals, which the page does not show.
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g
/** A browser takes long to draw a longer line. */
const MOST_DRAWN = 4_000

export function severity(line: string): Severity {
  if (ERROR.test(line) && !HARMLESS.test(line)) return 'error'
  return WARNING.test(line) ? 'warning' : ''
}

export function plain(text: string): string {
  return text.replace(ESCAPES, '').replace(/\r\n?/g, '\n')
}

/** Cuts a line at its marks. The end of a very long line is left out, and the last piece says so. */
export function pieces(line: string, marks: Marks): Piece[] {
  const found: Piece[] = []
  const end = Math.min(line.length, MOST_DRAWN)
  let at = 0
  const cut = (to: number, isMatch: boolean): void => {
    if (to > at) found.push({ text: line.slice(at, to), isMatch })
    at = Math.max(at, to)
  }
  for (let mark = 0; mark + 1 < marks.length; mark += 2) {
    cut(Math.min(end, marks[mark]!), false)
    cut(Math.min(end, marks[mark + 1]!), true)
  }
  cut(end, false)
  if (end < line.length) found.push({ text: ` … and ${(line.length - end).toLocaleString()} more characters`, isMatch: false })
  return found
}

/** The part of `text` that `known` does not end with: a fetched log may contain the text of the next event. */
export function withoutOverlap(known: string, text: string): string {
  for (let length = Math.min(known.length, text.length); length > 0; length--) {
    if (known.endsWith(text.slice(0, length))) return text.slice(length)
  }
  return text
}

/** The next of `places` (ascending) after `from`, or the one before it. After the last comes the first. */
export function next(places: readonly number[], from: number, isBack: boolean): number | undefined {
  if (isBack) return places.findLast((place) => place < from) ?? places.at(-1)
  return places.find((place) => place > from) ?? places[0]
}
