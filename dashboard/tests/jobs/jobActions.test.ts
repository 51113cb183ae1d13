import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Job } from '@/api/client'
import type { JobAction } from '@/shared/actions.gen'
import type { FakeFarm } from '../fakeFarm'
import { job } from '../rows'

let farm: FakeFarm
let actions: typeof import('@/jobs/jobActions')
let notices: typeof import('@/shared/notices')['notices']

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  farm = new FakeFarm()
  actions = await import('@/jobs/jobActions')
  const { isSomebody } = await import('@/access/me')
  const known = isSomebody()
  await farm.answer('/api/tablao/v1/me', { kind: 'person', id: 'wanda', permissions: ['jobs:all'] })
  await known
  ;({ notices } = await import('@/shared/notices'))
})

const path = (id: string): string => `/api/tablao/v1/jobs/${id}/actions`

test('an action suits jobs by their status, and none that is being deleted', () => {
  const jobs = [job({ id: '1', status: 'active' }), job({ id: '2', status: 'paused' }), job({ id: '3', status: 'active', delete_requested_at: 'now' })]

  expect(actions.possible(jobs, 'pause').map(({ id }) => id)).toEqual(['1'])
  expect(actions.possible(jobs, 'resume').map(({ id }) => id)).toEqual(['2'])
})

test('what worked and what was refused is reported', async () => {
  const done = actions.act('pause', [job({ id: '1' }), job({ id: '2' })])
  await farm.answer(path('1'), null, 204)
  await farm.answer(path('2'), { code: 422, message: 'it has come to its end' }, 422)
  await done

  expect(notices.value.map(({ text }) => text)).toEqual(['1 job asked to pause', 'Not done for 1 job: it has come to its end'])
})

describe('undo', () => {
  async function undone(action: JobAction, jobs: Job[]): Promise<[label: string, paths: string[]] | undefined> {
    const done = actions.act(action, jobs)
    for (const { id } of jobs) await farm.answer(path(id), null, 204)
    await done
    const { undo } = notices.value[0]!
    undo?.run()
    return undo && [undo.label, farm.requests.map((request) => request.path)]
  }

  test('takes back a pause', async () => {
    expect(await undone('pause', [job({ id: '1' }), job({ id: '2' })])).toEqual(['Undo', [path('1'), path('2')]])
  })

  test('of a requeue is called what it does, because failed tasks do not become failed again', async () => {
    expect(await undone('requeue', [job({ id: '1', status: 'failed' }), job({ id: '2', status: 'canceled' })])).toEqual(['Cancel', [path('1'), path('2')]])
  })

  test('of a paused job that was requeued pauses it again', async () => {
    expect(await undone('requeue', [job({ id: '1', status: 'paused' })])).toEqual(['Pause again', [path('1')]])
  })

  test('is not offered when completed jobs were requeued, or jobs that had nothing in common', async () => {
    expect(await undone('requeue', [job({ id: '1', status: 'completed' })])).toBeUndefined()
    expect(await undone('requeue', [job({ id: '1', status: 'paused' }), job({ id: '2', status: 'failed' })])).toBeUndefined()
  })

  test('is not offered after canceling', async () => {
    expect(await undone('cancel', [job({ id: '1' })])).toBeUndefined()
  })
})
