import { describe, expect, test } from 'vitest'
import { asideGroups } from '@/workers/asideGroups'
import { warningOf, WORKER_ACTIONS, type WorkerAction } from '@/workers/workerActions'
import { shownColumns } from '@/shared/table'
import { WORKER_COLUMNS } from '@/workers/workerColumns'
import { matching, parsed, written } from '@/workers/workerQuery'
import { bytes, kindOf, lastSeen, lastSeenMs, lookOf, stateOf } from '@/workers/workerWords'
import { ofTask, worker } from '../rows'

const FULL = { cause: 'disk-full', reason: 'A disk is full.', task_types: [], since: '2026-01-01T10:00:00Z' }
const NO_BLENDER = { ...FULL, cause: 'program-missing', reason: 'No Blender is here.', task_types: ['blender'] }
const working = worker({ tasks: [ofTask('render-1')] })

describe('kind and state', () => {
  test.each([
    [working, 'working', 'working'],
    [worker(), 'idle', 'idle'],
    [worker({ is_paused: true }), 'paused', 'paused'],
    [worker({ set_aside: [FULL] }), 'aside', 'set aside: disk full'],
    [worker({ set_aside: [NO_BLENDER] }), 'aside', 'set aside: no blender: program missing'],
    [worker({ set_aside: [FULL, NO_BLENDER] }), 'aside', 'set aside: disk full · no blender: program missing'],
    [worker({ tasks: working.tasks, set_aside: [NO_BLENDER] }), 'working', 'working'],
    [worker({ status: 'asleep' }), 'asleep', 'asleep'],
    [worker({ status: 'starting' }), 'between', 'starting'],
    [{ ...working, is_paused: true }, 'working', 'working → paused, after its task'],
    [{ ...working, status_change: { status: 'asleep', is_lazy: true } }, 'working', 'working → asleep, after its task'],
    [worker({ status_change: { status: 'asleep', is_lazy: true } }), 'idle', 'idle → asleep'],
    [{ ...working, status_change: { status: 'offline', is_lazy: false } }, 'working', 'working → offline'],
  ] as const)('of worker %#: %s, "%s"', (each, kind, state) => {
    expect(kindOf(each)).toBe(kind)
    expect(stateOf(each)).toBe(state)
  })
})

test('the label of the icon has the whole reason', () => {
  expect(lookOf(worker({ set_aside: [FULL, NO_BLENDER] })).label).toBe('set aside: A disk is full. · no blender: No Blender is here.')
})

test('workers that are set aside for the same reason are one entry, and the largest comes first', () => {
  const later = { ...FULL, since: '2026-01-01T11:00:00Z' }
  const full = ['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, index) => worker({ id: name, name, set_aside: [index ? FULL : later] }))

  const [first, second, ...others] = asideGroups([worker({ set_aside: [NO_BLENDER] }), ...full, worker()])

  expect(first).toMatchObject({ reason: 'A disk is full.', types: '', since: FULL.since, others: 2 })
  expect(first?.named.map(({ name }) => name)).toEqual(['b', 'c', 'd', 'e', 'f'])
  expect(second).toMatchObject({ reason: 'No Blender is here.', types: 'blender', others: 0 })
  expect(others).toEqual([])
})

test('connected workers were seen last, and some were never seen', () => {
  const gone = worker({ is_connected: false, last_seen: '2020-01-01T00:00:00Z' })
  const never = worker({ is_connected: false })

  expect([worker(), gone, never].map(lastSeen)).toEqual(['connected', expect.stringMatching(/\d d ago/), 'never'])
  expect([never, gone, worker()].sort((a, b) => lastSeenMs(b) - lastSeenMs(a)).map(lastSeen)[2]).toBe('never')
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_500, '2 kB'],
  [3_100_000_000, '3.1 GB'],
  [2e18, '2000.0 PB'],
])('%d bytes: %s', (size, text) => {
  expect(bytes(size)).toBe(text)
})

describe('a query', () => {
  const bruno = worker({ id: 'b', name: 'bruno', tags: [{ id: 't', name: 'slow' }] as never, status: 'asleep' })
  const all = [working, bruno]
  const names = (raw: Record<string, string>): string[] => matching(all, parsed(raw)).map(({ name }) => name)

  test.each([
    [{}, ['anita', 'bruno']],
    [{ status: 'asleep' }, ['bruno']],
    [{ status: 'asleep,working' }, ['anita', 'bruno']],
    [{ tag: 'slow' }, ['bruno']],
    [{ q: 'SLOW linux' }, ['bruno']],
    [{ q: 'shot 010' }, ['anita']],
    [{ q: 'nobody' }, []],
  ] as [Record<string, string>, string[]][])('%j finds %j', (raw, expected) => {
    expect(names(raw)).toEqual(expected)
  })

  test('is read as it was written, and the usual is not written', () => {
    const raw = { q: 'a', status: 'asleep,idle', tag: 'slow', view: 'grid', sort: '-seen' }

    expect(written(parsed(raw))).toEqual(raw)
    expect(written(parsed({ sort: 'name', status: 'no such kind' }))).toEqual({})
  })
})

test.each([
  [360, ['name', 'state']],
  [480, ['name', 'state', 'task']],
  [1_000, ['name', 'state', 'task', 'since', 'cpu', 'memory', 'gpu', 'tags']],
])('%d pixels are enough for %j', (width, keys) => {
  expect(shownColumns(WORKER_COLUMNS, undefined, width).map(({ key }) => key)).toEqual(keys)
})

describe('an action', () => {
  test.each([
    ['offline', [], ['delete']],
    ['awake', ['sleep', 'pause', 'restart', 'shut-down', 'delete'], ['wake', 'resume']],
    ['asleep', ['wake'], ['sleep']],
  ] as const)('of a worker that is %s can be any of %j', (status, isPossible, others) => {
    const possible = (action: WorkerAction): boolean => WORKER_ACTIONS[action].isPossible(worker({ status }))

    expect(isPossible.filter((action) => !possible(action))).toEqual([])
    expect(others.filter((action) => action !== 'delete' && possible(action))).toEqual([])
  })

  test('counts what the worker was asked for, not only its status', () => {
    const isGoing = worker({ status_change: { status: 'asleep', is_lazy: true } as never })

    expect(WORKER_ACTIONS.sleep.isPossible(isGoing)).toBe(false)
    expect(WORKER_ACTIONS.wake.isPossible(isGoing)).toBe(true)
  })

  test('warns before a task is stopped, and not when it may end first', () => {
    expect(warningOf('sleep', [working], false)?.text).toContain('One task is stopped')
    expect(warningOf('sleep', [working], true)).toBeUndefined()
    expect(warningOf('sleep', [worker()], false)).toBeUndefined()
  })

  test('names one worker, and counts several', () => {
    expect(warningOf('delete', [working], true)?.title).toBe('Delete anita?')
    expect(warningOf('shut-down', [working, worker()], true)?.title).toBe('Shut down 2 workers?')
  })
})
