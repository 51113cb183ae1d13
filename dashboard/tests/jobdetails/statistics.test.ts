import { expect, test } from 'vitest'
import { layoutOf } from '@/jobdetails/gridPainting'
import { bars, median, memoryPeak, sum, timedRows } from '@/jobdetails/statistics'
import { duration, secondsBetween } from '@/jobdetails/times'
import type { JobTimes } from '@/jobdetails/useJobTimes'
import { task } from '../rows'

function times(...seconds: number[]): JobTimes {
  return { tasks: seconds.map((each, place) => ({ index_in_job: place + 1, seconds: each, memory_peak: null })) } as unknown as JobTimes
}

test('a bar shows the slowest of the tasks that share it', () => {
  expect(bars(times(1, 5, 2, 4, 3), 3)).toEqual([
    { from: 1, to: 2, seconds: 5 },
    { from: 3, to: 4, seconds: 4 },
    { from: 5, to: 5, seconds: 3 },
  ])
  expect(bars(times(), 3)).toEqual([])
})

test('times belong to tasks by their index, from 1', () => {
  const tasks = [task({ id: 'a' }), task({ id: 'b' })]

  expect(timedRows(times(1, 2, 3), tasks).map((row) => [row.task.id, row.seconds])).toEqual([['a', 1], ['b', 2]])
})

test('the peak of memory is the most that any worker told', () => {
  const row = (memory: number | undefined): Parameters<typeof memoryPeak>[0][number] => ({ task: task(), seconds: 1, memory })

  expect(memoryPeak([row(undefined), row(5), row(3)])).toBe(5)
  expect(memoryPeak([row(undefined)])).toBeUndefined()
})

test('median and sum', () => {
  expect([median([1, 2, 9]), median([1, 2, 3, 4]), median([])]).toEqual([2, 2, 0])
  expect([sum([1, 2]), sum([])]).toEqual([3, 0])
})

test.each([
  [0.44, '0.4 s'],
  [12.4, '12 s'],
  [59.6, '1 min 0 s'],
  [200, '3 min 20 s'],
  [7_500, '2 h 5 min'],
])('%d seconds: %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text)
})

test('seconds between two moments', () => {
  expect(secondsBetween('2026-01-01T10:00:00Z', '2026-01-01T10:01:00.500Z')).toBe(60.5)
})

test.each([
  [1, 800, { cell: 24, columns: 33, rows: 1 }],
  [10_000, 800, { cell: 5, columns: 160, rows: 63 }],
  [0, 800, { cell: 24, columns: 33, rows: 0 }],
  [5, 3, { cell: 10, columns: 1, rows: 5 }],
])('%d cells in %d pixels', (count, width, layout) => {
  expect(layoutOf(count, width)).toEqual(layout)
})
