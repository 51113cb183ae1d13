/** The missing frames of a sequence, as parts of a line and as a text. */

import type { Frame } from './useFrames'

/** More pieces than this cannot be distinguished on a screen. */
const PIECES = 500
const MOST_SAID = 4

export interface Stretch {
  /** Percent of the line. */
  start: number
  end: number
}

export function gaps(frames: readonly Frame[]): Stretch[] {
  const pieces = Math.min(PIECES, frames.length)
  const isMissing = new Array<boolean>(pieces).fill(false)
  frames.forEach(({ exists }, place) => {
    if (!exists) isMissing[Math.floor((place * pieces) / frames.length)] = true
  })
  return runs(isMissing).map(([first, last]) => ({ start: (100 * first) / pieces, end: (100 * (last + 1)) / pieces }))
}

/** `2, 5–8 and 12 others`; empty if none is missing. */
export function missingInWords(frames: readonly Frame[]): string {
  const found = runs(frames.map(({ exists }) => !exists))
  const said = found.slice(0, MOST_SAID).map(([first, last]) => {
    const [from, to] = [frames[first]?.frame, frames[last]?.frame]
    return first === last ? `${from}` : `${from}–${to}`
  })
  const others = found.slice(MOST_SAID).reduce((sum, [first, last]) => sum + last - first + 1, 0)
  return said.join(', ') + (others ? ` and ${others} others` : '')
}

/** First and last place of each run of true. */
function runs(flags: readonly boolean[]): [number, number][] {
  const found: [number, number][] = []
  flags.forEach((flag, place) => {
    if (!flag) return
    const current = found.at(-1)
    if (current && current[1] === place - 1) current[1] = place
    else found.push([place, place])
  })
  return found
}
