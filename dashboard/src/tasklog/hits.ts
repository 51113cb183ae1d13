/** The lines in which an expression is found. */

import type { Marks } from './logText'

export interface Hit {
  /** The line's number in the log, from 1. */
  line: number
  marks: Marks
}

/** More marks of one line are not drawn. */
const MOST_MARKS = 100
const SPECIAL = /[.*+?^${}()|[\]\\]/g

/**
 * What finds a text, or a regular expression, in any case. Throws a `SyntaxError` if the text is no
 * regular expression.
 */
export function expressionOf(text: string, isPattern: boolean): RegExp {
  return new RegExp(isPattern ? text : text.replace(SPECIAL, '\\$&'), 'gi')
}

/** An empty match is none. `first` is the number of the first of the lines. */
export function hitsIn(lines: readonly string[], expression: RegExp, first: number): Hit[] {
  const found: Hit[] = []
  lines.forEach((line, place) => {
    const marks = marksIn(line, expression)
    if (marks.length) found.push({ line: first + place, marks })
  })
  return found
}

function marksIn(line: string, expression: RegExp): number[] {
  const marks: number[] = []
  for (const { 0: text, index } of line.matchAll(expression)) {
    if (text) marks.push(index, index + text.length)
    if (marks.length >= 2 * MOST_MARKS) break
  }
  return marks
}
