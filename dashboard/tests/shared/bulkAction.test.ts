import { beforeEach, describe, expect, test, vi } from 'vitest'
import { countText, forEachRow, report } from '@/shared/bulkAction'
import { dismiss, notices } from '@/shared/notices'

const named = (rows: readonly number[]): string => countText(rows.length, 'job')
const texts = (): string[] => notices.value.map(({ text }) => text)

beforeEach(() => {
  for (const { id } of [...notices.value]) dismiss(id)
})

describe('each row', () => {
  test('is asked, whether others are refused or not', async () => {
    const outcome = await forEachRow([1, 2, 3], async (row) => {
      if (row === 2) throw new Error('it has come to its end')
    })

    expect(outcome.done).toEqual([1, 3])
    expect(outcome.refusals).toEqual([{ row: 2, reason: 'it has come to its end' }])
  })

  test('is asked once, six together', async () => {
    const asked: number[] = []
    let together = 0
    let most = 0
    const rows = Array.from({ length: 40 }, (_, place) => place)

    await forEachRow(rows, async (row) => {
      asked.push(row)
      most = Math.max(most, ++together)
      await new Promise((resolve) => queueMicrotask(() => resolve(undefined)))
      together--
    })

    expect(asked.sort((a, b) => a - b)).toEqual(rows)
    expect(most).toBe(6)
  })

  test('keeps its place among those done, however late its answer', async () => {
    const { done } = await forEachRow(['late', 'soon'], async (row) => {
      if (row === 'late') await new Promise((resolve) => setTimeout(resolve, 1))
    })

    expect(done).toEqual(['late', 'soon'])
  })

  test('counts as answered when it is refused, too', async () => {
    const answered = vi.fn()

    await forEachRow([1, 2], async (row) => {
      if (row === 2) throw new Error('no')
    }, answered)

    expect(answered).toHaveBeenCalledTimes(2)
  })
})

describe('the report', () => {
  test('says what was done, with the way back', () => {
    const undo = vi.fn()

    report({ done: [1, 2], refusals: [] }, { named, done: 'paused', undo: { label: 'Undo', run: undo } })

    expect(texts()).toEqual(['2 jobs paused'])
    notices.value[0]?.undo?.run()
    expect(undo).toHaveBeenCalledOnce()
  })

  test('says each reason once', () => {
    const refusals = ['gone', 'busy', 'gone'].map((reason, row) => ({ row, reason }))

    report({ done: [], refusals }, { named, done: 'paused' })

    expect(texts()).toEqual(['Not done for 3 jobs: gone; busy'])
    expect(notices.value[0]?.isRefusal).toBe(true)
  })

  test('of nothing is nothing', () => {
    report({ done: [], refusals: [] }, { named, done: 'paused' })

    expect(texts()).toEqual([])
  })
})

test.each([
  [1, '1 job'],
  [0, '0 jobs'],
  [2_000, `${(2_000).toLocaleString()} jobs`],
])('%d in words', (count, text) => {
  expect(countText(count, 'job')).toBe(text)
})
