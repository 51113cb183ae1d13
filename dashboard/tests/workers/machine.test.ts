import { describe, expect, test } from 'vitest'
import { nearest, pathOf } from '@/workers/graphPaths'
import { colorOf, metersOf, pointOf, pointOfSample } from '@/workers/machine'

const TOLD = {
  cpu_percent: 42.4,
  cpu_count: 8,
  load: 1.26,
  memory_used: 8e9,
  memory_total: 16e9,
  disk_total: 1e12,
  disk_free: 25e10,
  gpus: [{ name: 'RTX', percent: 90, temperature_c: 61, memory_used: 1e9, memory_total: 4e9 }],
}

describe('meters', () => {
  test('are those of which the host tells', () => {
    expect(metersOf(TOLD).map(({ label, percent, detail }) => [label, percent, detail])).toEqual([
      ['CPU', 42, '8 threads, load 1.3'],
      ['GPU', 90, 'RTX, 61 °C'],
      ['GPU memory', 25, '1.0 GB of 4.0 GB'],
      ['Memory', 50, '8.0 GB of 16.0 GB'],
      ['Disk', 75, '250.0 GB free'],
    ])
    expect(metersOf({ cpu_percent: 'high', memory_used: 1, gpus: 'none' })).toEqual([])
  })

  test('of several graphics cards have numbers', () => {
    const gpus = [{ percent: 1 }, { percent: 2 }]

    expect(metersOf({ gpus }).map(({ label }) => label)).toEqual(['GPU 1', 'GPU 2'])
  })

  test('stay between 0 and 100 %', () => {
    expect(metersOf({ cpu_percent: 180 })[0]?.percent).toBe(100)
  })

  test.each([['cpu', '--chart-1'], ['gpumem1', '--chart-5'], ['fan', '--chart-3']])('of %s have a colour of no status, %s', (key, color) => {
    expect(colorOf(key)).toBe(color)
  })
})

test('live and stored statistics make the same points', () => {
  const at = '2026-01-01T10:00:00Z'
  const sample = { at, cpu_percent: 42, memory_percent: 50, disk_percent: 75, gpu_percents: [90], gpu_memory_percents: [25] }

  expect(pointOfSample(sample as never)).toEqual(pointOf(TOLD, Date.parse(at)))
})

describe('a graph', () => {
  const points = [0, 15_000, 100_000].map((atMs, place) => ({ atMs, percents: { cpu: 50 * place, gpu: null } }))
  const frame = { width: 100, height: 10, fromMs: 0, toMs: 100_000 }

  test('has a gap where nothing was told for long', () => {
    expect(pathOf(points, 'cpu', frame)).toBe('M0.0 10.0L15.0 5.0M100.0 0.0')
  })

  test('leaves out what is too old or unknown', () => {
    expect(pathOf(points, 'cpu', { ...frame, fromMs: 50_000 })).toBe('M100.0 0.0')
    expect(pathOf(points, 'gpu', frame)).toBe('')
  })

  test('has a nearest point, but not in a gap', () => {
    expect(nearest(points, 10_000)?.atMs).toBe(15_000)
    expect(nearest(points, 60_001)?.atMs).toBe(100_000)
    expect(nearest(points.slice(0, 1), 50_000)).toBeUndefined()
    expect(nearest([], 0)).toBeUndefined()
  })
})
