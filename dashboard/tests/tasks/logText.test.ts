import { describe, expect, test } from 'vitest'
import { next, pieces, plain, severity, withoutOverlap } from '@/tasks/logText'

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

describe('a line', () => {
  test('is cut where the text is found, whatever its capitals', () => {
    expect(pieces('Frame 1, frame 2', 'frame')).toEqual([
      { text: 'Frame', isMatch: true },
      { text: ' 1, ', isMatch: false },
      { text: 'frame', isMatch: true },
      { text: ' 2', isMatch: false },
    ])
  })

  test.each(['', 'x'])('is whole without a match of "%s"', (wanted) => {
    expect(pieces('abc', wanted)).toEqual([{ text: 'abc', isMatch: false }])
  })

  test('may be a match as a whole', () => {
    expect(pieces('abc', 'abc')).toEqual([{ text: 'abc', isMatch: true }])
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
