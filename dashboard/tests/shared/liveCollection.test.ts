import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { effectScope, nextTick, ref, type EffectScope } from 'vue'
import type { LiveCollection, LiveSource } from '@/shared/liveCollection'
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
let singles: (Answer<Row> & { id: string })[]
let refusals: () => string[]
const topic = ref('/things')

async function started(changes: Partial<LiveSource<Row>> = {}): Promise<void> {
  const [{ FakeFarm }, { useLiveCollection }, { notices }] = await Promise.all([
    import('../fakeFarm'), import('@/shared/liveCollection'), import('@/shared/notices'),
  ])
  refusals = () => notices.value.map(({ text }) => text)
  farm = new FakeFarm()
  const source: LiveSource<Row> = {
    topic: () => topic.value,
    fetchAll: () => new Promise((resolve, reject) => lists.push({ resolve, reject })),
    changed: (row, payload) => ({ ...row, text: String(payload.text) }),
    isGone: (payload) => payload.isGone === true,
    ...changes,
  }
  scope = effectScope(true)
  collection = scope.run(() => useLiveCollection(source))!
}

const fetchOne: LiveSource<Row>['fetchOne'] = (id) =>
  new Promise((resolve, reject) => singles.push({ id, resolve, reject }))

async function listed(...texts: string[]): Promise<void> {
  lists.shift()!.resolve(texts.map((text) => ({ id: text[0]!, text })))
  await vi.advanceTimersByTimeAsync(0)
}

const shown = (): string[] => [...collection.rows.value.values()].map((row) => row.text)

beforeEach(() => {
  vi.useFakeTimers()
  vi.resetModules()
  topic.value = '/things'
  lists = []
  singles = []
})

afterEach(() => scope.stop())

test('the list is fetched at once and shown in its order', async () => {
  await started()
  expect(collection.isLoaded.value).toBe(false)

  await listed('b', 'a')

  expect(collection.isLoaded.value).toBe(true)
  expect(shown()).toEqual(['b', 'a'])
})

describe('events', () => {
  test('change the page once per frame, however many there are', async () => {
    await started()
    await listed('a', 'b')
    const before = collection.rows.value

    farm.send('/things', { id: 'a', text: 'a1' })
    farm.send('/things', { id: 'a', text: 'a2' })
    farm.send('/things', { id: 'b', text: 'b1' })
    expect(collection.rows.value).toBe(before)
    await frameShown()

    expect(shown()).toEqual(['a2', 'b1'])
  })

  test('leave the fetched rows as they were', async () => {
    await started()
    await listed('a')

    farm.send('/things', { id: 'a', text: 'a1' })
    await frameShown()

    expect(collection.fetched.value.get('a')?.text).toBe('a')
  })

  test('of topics below are not about rows', async () => {
    await started()
    await listed('a')

    farm.send('/things/a', { id: 'a', text: 'wrong' })
    await frameShown()

    expect(shown()).toEqual(['a'])
  })

  test('take a row away', async () => {
    await started()
    await listed('a', 'b')

    farm.send('/things', { id: 'a', isGone: true })
    await frameShown()

    expect(shown()).toEqual(['b'])
  })

  test('are flushed in a hidden page, too, which draws no frames', async () => {
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
    await started()
    await listed('a')

    farm.send('/things', { id: 'a', text: 'a1' })
    await frameShown()
    expect(shown()).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(1_000)

    expect(shown()).toEqual(['a1'])
  })

  test('of many rows are flushed ten times a second', async () => {
    await started()
    lists.shift()!.resolve(Array.from({ length: 3_000 }, (_, place) => ({ id: String(place), text: '' })))
    await frameShown()
    farm.send('/things', { id: '1', text: 'first' })
    await vi.advanceTimersByTimeAsync(100)

    farm.send('/things', { id: '1', text: 'second' })
    await frameShown()
    expect(collection.rows.value.get('1')?.text).toBe('first')
    await vi.advanceTimersByTimeAsync(100)

    expect(collection.rows.value.get('1')?.text).toBe('second')
  })
})

describe('while the list is fetched', () => {
  test('a newer event is laid over the older row', async () => {
    await started()

    farm.send('/things', { id: 'a', text: 'a1' })
    await listed('a', 'b')

    expect(shown()).toEqual(['a1', 'b'])
  })

  test('a row that is taken away stays away', async () => {
    await started()

    farm.send('/things', { id: 'a', isGone: true })
    await listed('a', 'b')

    expect(shown()).toEqual(['b'])
  })

  test('a row that joins is fetched', async () => {
    await started({ fetchOne })

    farm.send('/things', { id: 'c', text: 'c1' })
    await listed('a')
    await frameShown()

    expect(singles.map(({ id }) => id)).toEqual(['c'])
  })

  test('an event from before the request does not change the newer list', async () => {
    await started()
    await listed('a')

    farm.send('/things', { id: 'a', text: 'older' })
    farm.send('/missed', {})
    await listed('a')
    await frameShown()

    expect(shown()).toEqual(['a'])
  })

  test('further wishes to fetch it become one more fetch', async () => {
    await started()

    void collection.refetch()
    void collection.refetch()
    await listed('a')
    expect(lists).toHaveLength(1)
    await listed('b')

    expect(lists).toHaveLength(0)
    expect(shown()).toEqual(['b'])
  })
})

describe('rows that the list lacks', () => {
  test('are ignored if the source cannot fetch one', async () => {
    await started()
    await listed('a')

    farm.send('/things', { id: 'c', text: 'c' })
    await frameShown()

    expect(shown()).toEqual(['a'])
  })

  test('are fetched and come first', async () => {
    await started({ fetchOne })
    await listed('a')

    farm.send('/things', { id: 'c', text: 'c' })
    await frameShown()
    singles[0]!.resolve({ id: 'c', text: 'c' })
    await frameShown()

    expect(shown()).toEqual(['c', 'a'])
  })

  test('are not fetched when the event says that they are gone', async () => {
    await started({ fetchOne })
    await listed('a')

    farm.send('/things', { id: 'c', isGone: true })
    await frameShown()

    expect(singles).toHaveLength(0)
  })

  test('are fetched with the whole list when they are many', async () => {
    await started({ fetchOne })
    await listed('a')

    for (let count = 0; count < 11; count++) farm.send('/things', { id: `new ${count}`, text: '' })
    await frameShown()

    expect([singles.length, lists.length]).toEqual([0, 1])
  })

  test('that were deleted before they could be fetched are left out without a complaint', async () => {
    await started({ fetchOne })
    await listed('a')

    farm.send('/things', { id: 'c', text: 'c' })
    await frameShown()
    singles[0]!.reject(new Error('There is no such thing'))
    await frameShown()

    expect(shown()).toEqual(['a'])
    expect(refusals()).toEqual([])
  })
})

test('a row that is only partly told is fetched again after its events, which are gathered', async () => {
  await started({ fetchOne, isPartlyTold: true })
  await listed('a')

  farm.send('/things', { id: 'a', text: 'a1' })
  await vi.advanceTimersByTimeAsync(100)
  farm.send('/things', { id: 'a', text: 'a2' })
  await vi.advanceTimersByTimeAsync(500)

  expect(shown()).toEqual(['a2'])
  expect(singles.map(({ id }) => id)).toEqual(['a'])
})

test('missed events fetch the list again', async () => {
  await started()
  await listed('a')

  farm.send('/missed', {})
  await listed('b')

  expect(shown()).toEqual(['b'])
})

test('a connection that cannot say what was missed fetches the list again', async () => {
  await started()
  await listed('a')

  farm.socket.onclose?.()
  await vi.advanceTimersByTimeAsync(1_000)
  farm.socket.onopen?.()
  await listed('b')

  expect(shown()).toEqual(['b'])
})

test('a list that cannot be fetched is said, and fetched at the next occasion', async () => {
  await started()

  lists.shift()!.reject(new Error('The manager cannot be reached'))
  await frameShown()
  expect(refusals()).toEqual(['The manager cannot be reached'])
  farm.send('/missed', {})
  await listed('a')

  expect(shown()).toEqual(['a'])
})

test('a list that cannot be fetched says why once, and is fetched again by itself', async () => {
  await started()

  for (let tries = 0; tries < 2; tries++) {
    lists.shift()!.reject(new Error('The manager cannot be reached'))
    await frameShown()
    expect([collection.isLoaded.value, collection.failure.value]).toEqual([false, 'The manager cannot be reached'])
    await vi.advanceTimersByTimeAsync(5_000)
  }
  await listed('a')

  expect(refusals()).toEqual(['The manager cannot be reached'])
  expect([shown(), collection.failure.value]).toEqual([['a'], ''])
})

describe('another topic', () => {
  test('starts over', async () => {
    await started()
    await listed('a')

    topic.value = '/others'
    await nextTick()
    expect(collection.isLoaded.value).toBe(false)
    expect(shown()).toEqual([])
    await listed('b')
    farm.send('/others', { id: 'b', text: 'b1' })
    farm.send('/things', { id: 'b', text: 'wrong' })
    await frameShown()

    expect(shown()).toEqual(['b1'])
  })

  test('drops the answer for the one before', async () => {
    await started()
    topic.value = '/others'
    await nextTick()

    await listed('a')
    expect(shown()).toEqual([])
    await listed('b')

    expect(shown()).toEqual(['b'])
  })
})

test('after the end of its scope events change nothing', async () => {
  await started()
  await listed('a')

  scope.stop()
  farm.send('/things', { id: 'a', text: 'a1' })
  farm.send('/missed', {})
  await frameShown()

  expect(shown()).toEqual(['a'])
  expect(lists).toHaveLength(0)
})
