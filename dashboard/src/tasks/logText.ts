/** The lines of a log: their severity, and searching in them. */

export type Severity = 'error' | 'warning' | ''

export interface Piece {
  text: string
  isMatch: boolean
}

const ERROR = /\b(error|errors|fatal|traceback|exception|failed|segfault|out of memory)\b/i
const WARNING = /\bwarn(ing)?s?\b/i
const HARMLESS = /\b(0|no) errors?\b/i
// Colours and other commands for terminals, which the page does not show.
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g

export function severity(line: string): Severity {
  if (ERROR.test(line) && !HARMLESS.test(line)) return 'error'
  return WARNING.test(line) ? 'warning' : ''
}

export function plain(text: string): string {
  return text.replace(ESCAPES, '').replace(/\r\n?/g, '\n')
}

/** Cuts a line at each match of `wanted`, which is in lower case. */
export function pieces(line: string, wanted: string): Piece[] {
  if (!wanted) return [{ text: line, isMatch: false }]
  const found: Piece[] = []
  const lower = line.toLowerCase()
  let from = 0
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    if (at > from) found.push({ text: line.slice(from, at), isMatch: false })
    from = at + wanted.length
    found.push({ text: line.slice(at, from), isMatch: true })
  }
  if (from < line.length || !found.length) found.push({ text: line.slice(from), isMatch: false })
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
