import { describe, expect, test } from 'vitest'
import { percentDone, progressText, samplesText, type RenderedNow } from '@/jobs/progress'
import { job } from '../rows'

describe('percent', () => {
  test.each([
    [0, 0, 'queued', 0],
    [0, 0, 'completed', 100],
    [999, 1_000, 'active', 99],
    [1_000, 1_000, 'completed', 100],
    [12, 10, 'active', 100],
  ] as const)('%d of %d steps, %s: %d %%', (steps_completed, steps_total, status, percent) => {
    expect(percentDone(job({ steps_completed, steps_total, status }))).toBe(percent)
  })
})

describe('frames', () => {
  const text = (frames: unknown, steps = 12, total = 200): string =>
    progressText(job({ settings: { frames } as never, steps_completed: steps, steps_total: total }))

  test.each([
    ['1-24', '12 of 24 frames'],
    ['1-10, 20, 30-40', '12 of 22 frames'],
    ['-5--1', '5 of 5 frames'],
    ['-5-5', '11 of 11 frames'],
    ['1-20x5, 30', '5 of 5 frames'],
    ['1..4', '4 of 4 frames'],
    ['7', '1 of 1 frames'],
    ['10-1', '12 of 200 steps'],
    ['first', '12 of 200 steps'],
    ['1-10, last', '12 of 200 steps'],
    [undefined, '12 of 200 steps'],
  ])('%s: %s', (frames, expected) => {
    expect(text(frames)).toBe(expected)
  })

  test('steps that come after all frames do not count as frames', () => {
    expect(text('1-24', 25, 30)).toBe('24 of 24 frames')
  })

  test('fewer steps than frames (chunks) are called steps', () => {
    expect(text('1-24', 2, 3)).toBe('2 of 3 steps')
  })

  test('no steps at all', () => {
    expect(progressText(job())).toBe('no steps')
  })
})

describe('samples', () => {
  const rendered = (changes: Partial<RenderedNow>): RenderedNow =>
    ({ index_in_job: 4, frame: 13, sample: 37, samples: 128, ...changes }) as RenderedNow

  test.each([
    ['none', [], ''],
    ['no worker tells any', [rendered({ sample: null })], ''],
    ['one frame', [rendered({})], '37 of 128 samples of frame 13 being rendered'],
    ['a task without a frame', [rendered({ frame: null })], '37 of 128 samples of frame 4 being rendered'],
    ['two frames', [rendered({}), rendered({ sample: 3 })], '40 of 256 samples of the 2 frames being rendered'],
  ] as const)('%s', (_, tasks, text) => {
    expect(samplesText(tasks)).toBe(text)
  })
})
