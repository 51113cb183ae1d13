import { beforeEach, expect, test, vi } from 'vitest'
import { frameShown, type FakeFarm } from '../fakeFarm'
import { ofTask, worker } from '../rows'

const LIST = '/api/tablao/v1/workers'
let farm: FakeFarm
let shown: () => string[]

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  farm = new FakeFarm()
  const { useWorkers } = await import('@/workers/workerStore')
  const { rows } = useWorkers()
  shown = () => [...rows.value.values()].map(({ name, status, tasks }) => [name, status, ...tasks.map((each) => each.name)].join(' '))
  await farm.answer(LIST, { workers: [worker({ id: 'anita', name: 'anita', status: 'awake' })] })
})

const isAsleep = { id: 'anita', name: 'anita', status: 'asleep' }

test('an event that arrives while the list is fetched is not overwritten by the older list', async () => {
  farm.send('/missed', {})
  farm.send('/workers', isAsleep)

  await farm.answer(LIST, { workers: [worker({ id: 'anita', name: 'anita', status: 'awake' })] })
  await frameShown()

  expect(shown()).toEqual(['anita asleep'])
})

test('a worker is fetched after its event, which does not tell its tasks', async () => {
  farm.send('/workers', { ...isAsleep, status: 'awake' })
  await vi.advanceTimersByTimeAsync(500)

  await farm.answer(`${LIST}/anita`, worker({ id: 'anita', name: 'anita', tasks: [ofTask('render-1')] }))

  expect(shown()).toEqual(['anita awake render-1'])
})

test('an event that arrives while a worker is fetched is laid over the answer', async () => {
  farm.send('/workers', { ...isAsleep, status: 'awake' })
  await vi.advanceTimersByTimeAsync(500)
  farm.send('/workers', isAsleep)

  await farm.answer(`${LIST}/anita`, worker({ id: 'anita', name: 'anita', tasks: [ofTask('render-1')] }))

  expect(shown()).toEqual(['anita asleep render-1'])
})

test('a worker that is deleted while it is fetched does not come back', async () => {
  farm.send('/workers', isAsleep)
  await vi.advanceTimersByTimeAsync(500)
  farm.send('/workers', { ...isAsleep, deleted_at: '2026-01-01T10:00:00Z' })

  await farm.answer(`${LIST}/anita`, worker({ id: 'anita', name: 'anita' }))
  await frameShown()

  expect(shown()).toEqual([])
})

test('a changed tag fetches the workers again, which have its name', async () => {
  farm.send('/workertags', { id: 'slow' })

  await farm.answer(LIST, { workers: [worker({ id: 'bruno', name: 'bruno' })] })

  expect(shown()).toEqual(['bruno awake'])
})
