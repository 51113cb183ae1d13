import { describe, expect, test } from 'vitest'
import { next, pieces, plain, severity, withoutOverlap } from '@/tasklog/logText'

test.each([
  ['Error: the rig is missing', 'error'],
  ['Traceback (most recent call last):', 'error'],
  ['CUDA: out of memory', 'error'],
  ['finished with 0 errors', ''],
  ['no error', ''],
  ['Warning: no camera', 'warning'],
  ['WARN slow disk', 'warning'],
  ['Fra:1 Mem:1.00M | Sample 3/8', ''],
  ['terrorise the warnings-free', 'warning'],
])('"%s": %s', (line, expected) => {
  expect(severity(line)).toBe(expected)
})

test('colours of terminals are left out, and line ends are alike', () => {
  expect(plain('\u001b[31mred\u001b[0m\r\nnext\rlast')).toBe('red\nnext\nlast')
})

/** So many characters of a line are drawn. */
const MOST_DRAWN = 4_000

describe('a line', () => {
  test('is cut at its marks', () => {
    expect(pieces('Frame 1, frame 2', [0, 5, 9, 14])).toEqual([
      { text: 'Frame', isMatch: true },
      { text: ' 1, ', isMatch: false },
      { text: 'frame', isMatch: true },
      { text: ' 2', isMatch: false },
    ])
  })

  test('is whole without marks', () => {
    expect(pieces('abc', [])).toEqual([{ text: 'abc', isMatch: false }])
  })

  test('may be a match as a whole', () => {
    expect(pieces('abc', [0, 3])).toEqual([{ text: 'abc', isMatch: true }])
  })

  test('that is very long is not drawn to its end', () => {
    const found = pieces('x'.repeat(MOST_DRAWN + 2), [MOST_DRAWN - 1, MOST_DRAWN + 1])

    expect(found.map(({ text }) => text.length)).toEqual([MOST_DRAWN - 1, 1, ' … and 2 more characters'.length])
  })
})

test.each([
  ['one\ntwo\n', 'two\nthree\n', 'three\n'],
  ['one\n', 'two\n', 'two\n'],
  ['one\n', 'one\n', ''],
  ['', 'one\n', 'one\n'],
])('%j then %j adds %j', (known, text, added) => {
  expect(withoutOverlap(known, text)).toBe(added)
})

test.each([
  [5, false, 9],
  [9, false, 2],
  [5, true, 4],
  [2, true, 9],
])('from %d (back: %s) the search goes on to %d', (from, isBack, place) => {
  expect(next([2, 4, 9], from, isBack)).toBe(place)
})

test('the search of no places finds none', () => {
  expect(next([], 3, false)).toBeUndefined()
})
