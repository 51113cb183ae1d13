import { expect, test } from 'vitest'
import { framesToCompare } from '@/compare/compareQuery'

type Frames = Parameters<typeof framesToCompare>[0]
const frames = (from: number, ...rendered: boolean[]): Frames => rendered.map((exists, index) => ({ frame: from + index, exists, path: '', url: null }))

test('two jobs are compared at the first frame that both have rendered', () => {
  expect(framesToCompare(frames(1, true, true, true), frames(2, false, true))).toEqual([3, 3])
})

test('jobs that share no frame are compared at their first ones', () => {
  expect(framesToCompare(frames(1, false, true), frames(101, true))).toEqual([2, 101])
  expect(framesToCompare(frames(5, false), [])).toEqual([5, 1])
})
