/** The first rows of a long list, which are shown until the whole list is there. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { effectScope, nextTick, ref, type EffectScope } from 'vue'
import type { FirstRows, LiveCollection } from '@/shared/liveCollection'
import { frameShown, type FakeFarm } from '../fakeFarm'

interface Row {
  id: string
  text: string
}

interface Answer<T> {
  resolve: (value: T) => void
  reject: (reason: unknown) => void
}

let farm: FakeFarm
let scope: EffectScope
let collection: LiveCollection<Row>
let lists: Answer<Row[]>[]
let firsts: Answer<FirstRows<Row> | undefined>[]
let refusals: () => string[]
const topic = ref('/things')

beforeEach(() => {
  vi.useFakeTimers()
  vi.resetModules()
  topic.value = '/things'
  lists = []
  firsts = []
})

afterEach(() => scope.stop())

async function started(): Promise<void> {
  const [{ FakeFarm }, { useLiveCollection }, { notices }] = await Promise.all([
    import('../fakeFarm'), import('@/shared/liveCollection'), import('@/shared/notices'),
  ])
  refusals = () => notices.value.map(({ text }) => text)
  farm = new FakeFarm()
  scope = effectScope(true)
  collection = scope.run(() => useLiveCollection<Row>({
    topic: () => topic.value,
    fetchAll: () => new Promise((resolve, reject) => lists.push({ resolve, reject })),
    fetchFirst: () => new Promise((resolve, reject) => firsts.push({ resolve, reject })),
    changed: (row, payload) => ({ ...row, text: String(payload.text) }),
    isGone: (payload) => payload.isGone === true,
  }))!
}

async function listed(...texts: string[]): Promise<void> {
  lists.shift()!.resolve(rowsOf(...texts))
  await vi.advanceTimersByTimeAsync(0)
}

const shown = (): string[] => [...collection.rows.value.values()].map((row) => row.text)
const first = (): string[] | undefined => collection.first.value?.rows.map(({ text }) => text)
const rowsOf = (...texts: string[]): Row[] => texts.map((text) => ({ id: text[0]!, text }))

/** The beginning of a list of so many rows is there. */
async function begun(total: number, ...texts: string[]): Promise<void> {
  await started()
  await answered({ rows: rowsOf(...texts), total })
}

async function answered(found: FirstRows<Row> | undefined): Promise<void> {
  firsts.shift()!.resolve(found)
  await vi.advanceTimersByTimeAsync(0)
}

async function pageMade(): Promise<void> {
  const { firstPageIsMade } = await import('@/shared/firstPage')
  firstPageIsMade()
  await vi.advanceTimersByTimeAsync(100)
}

test('the first rows are no list: that is asked for when the page is drawn, and takes their place', async () => {
  await begun(3, 'a', 'b')
  expect([first(), collection.first.value?.total, shown(), collection.isLoaded.value]).toEqual([['a', 'b'], 3, [], false])
  expect(lists).toHaveLength(0)

  await pageMade()
  await listed('a', 'b', 'c')

  expect([first(), shown(), collection.isLoaded.value]).toEqual([undefined, ['a', 'b', 'c'], true])
})

test('the first rows are the list where there are no others', async () => {
  await begun(2, 'a', 'b')
  await pageMade()

  expect([first(), shown(), collection.isLoaded.value]).toEqual([undefined, ['a', 'b'], true])
  expect(lists).toHaveLength(0)
})

test('the first rows are done without where they are not wanted', async () => {
  await started()
  await answered(undefined)
  await listed('a')

  expect(shown()).toEqual(['a'])
})

test('the first rows are kept current, by what was told before and after their answer', async () => {
  await started()
  farm.send('/things', { id: 'a', text: 'a1' })
  farm.send('/things', { id: 'c', isGone: true })
  await answered({ rows: rowsOf('a', 'b', 'c'), total: 5 })
  expect([first(), collection.first.value?.total]).toEqual([['a1', 'b'], 4])

  farm.send('/things', { id: 'b', text: 'b1' })
  farm.send('/things', { id: 'd', text: 'not among them' })
  await frameShown()

  expect([first(), collection.first.value?.total]).toEqual([['a1', 'b1'], 4])
})

test('the first rows take what was told to the list that is older', async () => {
  await begun(2, 'a')
  await pageMade()
  farm.send('/things', { id: 'b', text: 'b1' })

  await listed('a', 'b')

  expect(shown()).toEqual(['a', 'b1'])
})

test('the first rows stay while the list cannot be fetched, and are not fetched again', async () => {
  await begun(2, 'a')
  await pageMade()
  lists.shift()!.reject(new Error('gone'))
  await vi.advanceTimersByTimeAsync(5_000)
  await pageMade()

  expect([first(), collection.failure.value, firsts.length, lists.length]).toEqual([['a'], 'gone', 0, 1])
})

test('first rows that cannot be fetched are tried again, like a list', async () => {
  await started()
  firsts.shift()!.reject(new Error('gone'))
  await vi.advanceTimersByTimeAsync(5_000)

  expect([collection.failure.value, refusals(), firsts.length]).toEqual(['gone', ['gone'], 1])
})

test('first rows of a topic that is left are dropped', async () => {
  await started()
  topic.value = '/others'
  await nextTick()
  await answered({ rows: rowsOf('a'), total: 2 })
  expect(first()).toBeUndefined()

  await answered({ rows: rowsOf('x'), total: 2 })

  expect(first()).toEqual(['x'])
})

test('the first rows are not asked for again by a list that is fetched again', async () => {
  await begun(1, 'a')
  void collection.refetch()
  await vi.advanceTimersByTimeAsync(0)

  expect([firsts.length, lists.length]).toEqual([0, 1])
})
