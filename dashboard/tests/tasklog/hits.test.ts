import { expect, test } from 'vitest'
import { expressionOf, hitsIn } from '@/tasklog/hits'

const LINES = ['Frame 1, frame 2', 'no match', 'Saved: a.b (frame)']

test('a text is found in any case, and its signs are only signs', () => {
  expect(hitsIn(LINES, expressionOf('frame', false), 11)).toEqual([
    { line: 11, marks: [0, 5, 9, 14] },
    { line: 13, marks: [12, 17] },
  ])
  expect(hitsIn(LINES, expressionOf('a.b (', false), 1)).toEqual([{ line: 3, marks: [7, 12] }])
})

test.each([
  ['frame \\d', [1]],
  ['^no|\\)$', [2, 3]],
  ['x*', []],
  ['', []],
])('the expression "%s" is found in the lines %j', (pattern, lines) => {
  expect(hitsIn(LINES, expressionOf(pattern, true), 1).map(({ line }) => line)).toEqual(lines)
})

test('a text that is no expression is refused', () => {
  expect(() => expressionOf('(', true)).toThrow(SyntaxError)
  expect(() => expressionOf('(', false)).not.toThrow()
})
