import { expect, test } from 'vitest'
import { frameTimes, slowFrames, workerMarks } from '@/frames/renderTimes'
import { nearest, scaleOf } from '@/frames/timesPainting'

const worker = (name: string): { id: string; name: string; address: string } => ({ id: `id of ${name}`, name, address: '' })
const FOUND = {
  is_complete: true,
  tasks: [
    { index_in_job: 2, status: 'completed' as const, frames: [3, 4], seconds: 8, worker: worker('bruno') },
    { index_in_job: 1, status: 'completed' as const, frames: [1], seconds: 3, worker: worker('anita') },
    { index_in_job: 3, status: 'queued' as const, frames: [5], seconds: null, worker: null },
  ],
}

test('the frames of one task share its time', () => {
  expect(frameTimes(FOUND).map(({ frame, seconds, isAverage }) => [frame, seconds, isAverage])).toEqual([
    [1, 3, false], [3, 4, true], [4, 4, true],
  ])
})

function times(...seconds: number[]): ReturnType<typeof frameTimes> {
  return seconds.map((each, place) => ({ frame: place, seconds: each, index: 1, worker: '', workerId: '', isAverage: false }))
}

test.each([
  [[1, 1, 1, 1, 9], [4]],
  [[1, 1.1, 0.9, 1.2], []],
  [[1, 1, 1, 1, 1.3], []],
  [[2, 2, 30, 2, 2, 2, 40, 2], [6, 2]],
  [[5], []],
  [[], []],
])('of %j the frames %j are slow', (seconds, slow) => {
  expect(slowFrames(times(...seconds)).map(({ frame }) => frame)).toEqual(slow)
})

test('workers have different marks, in the order of their names', () => {
  const marks = workerMarks(frameTimes(FOUND))

  expect(marks.map(({ name, color, shape }) => [name, color, shape])).toEqual([
    ['anita', '--chart-1', 'circle'], ['bruno', '--chart-2', 'square'],
  ])
})

test('twenty workers look different', () => {
  const many = times(...new Array<number>(20).fill(1)).map((each) => ({ ...each, workerId: `${each.frame}`, worker: `w${each.frame}` }))

  expect(new Set(workerMarks(many).map(({ color, shape }) => color + shape)).size).toBe(20)
})

test('the mark that is pointed at is the nearest', () => {
  const shown = times(1, 5, 2)
  const scale = scaleOf(shown, 300, 100)

  expect(nearest(shown, scale, scale.x(1) + 3, scale.y(5))).toBe(1)
  expect(nearest([], scale, 0, 0)).toBeUndefined()
})
