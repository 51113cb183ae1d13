import { describe, expect, test } from 'vitest'
import { waysOf } from '@/jobdetails/requeueTexts'

type Possible = Parameters<typeof waysOf>[0]

const texts = (...actions: Possible['actions']): string[] =>
  waysOf({ may_change: true, actions }).map(({ action, count, text }) => `${action} ${count}: ${text}`)

test.each([
  [{ failed: 1 }, '1 failed task'],
  [{ failed: 2 }, '2 failed tasks'],
  [{ canceled: 4, failed: 1 }, '1 failed and 4 canceled tasks'],
  [{ canceled: 1, failed: 1, paused: 2000 }, '1 failed, 2,000 paused and 1 canceled tasks'],
])('%j: %s', (tasks, text) => {
  expect(texts({ action: 'requeue', tasks })[0]).toContain(`not finished: ${text}.`)
})

describe('the ways to requeue', () => {
  test('begin with all that is not finished', () => {
    expect(texts({ action: 'requeue-failed', tasks: { failed: 1 } }, { action: 'requeue', tasks: { failed: 1, canceled: 4 } })).toEqual([
      'requeue 5: Everything that is not finished: 1 failed and 4 canceled tasks. Finished tasks stay as they are.',
      'requeue-failed 1: Only what failed: 1 failed task.',
    ])
  })

  test('count what was canceled after a failure', () => {
    expect(texts({ action: 'requeue-failed', tasks: { failed: 1, canceled: 1 } })).toEqual([
      'requeue-failed 2: Only what failed, and what was canceled because of it: 1 failed and 1 canceled tasks.',
    ])
  })

  test('say that finished tasks run again', () => {
    expect(texts({ action: 'requeue', tasks: { completed: 12 } })).toEqual(['requeue 12: All of it: 12 completed tasks. They will run again.'])
  })

  test('leave out what runs no task, and other actions', () => {
    expect(texts({ action: 'requeue', tasks: {} }, { action: 'cancel', tasks: {} })).toEqual([])
  })
})
