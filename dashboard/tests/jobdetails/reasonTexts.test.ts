import { expect, test } from 'vitest'
import { named, withoutIds } from '@/jobdetails/reasonTexts'
import { task } from '../rows'

const HOST = { id: 'w', name: 'host1', address: '' }
const like = { text: 'no camera', tasks: 4, task_ids: ['1', '2', '3', '4'] }

test('at most three tasks are named, and the worker only of those that have ended there', () => {
  const tasks = [
    task({ id: '1', name: 'render-1', status: 'failed', worker: HOST }),
    task({ id: '2', name: 'render-2', status: 'queued', worker: HOST }),
    task({ id: '3', name: 'render-3', status: 'soft-failed' }),
  ]

  expect(named(like, new Map(tasks.map((each) => [each.id, each])))).toEqual([
    { id: '1', name: 'render-1', where: ' on host1' },
    { id: '2', name: 'render-2', where: '' },
    { id: '3', name: 'render-3', where: '' },
  ])
})

test('tasks that are not fetched yet have no name', () => {
  expect(named({ ...like, task_ids: ['1'] }, new Map())).toEqual([{ id: '1', name: 'a task', where: '' }])
})

test('an id beside a name is left out, and nothing else', () => {
  expect(withoutIds('The job "a (1)" (11111111-2222-4333-8444-555555555555) writes to the same files.')).toBe('The job "a (1)" writes to the same files.')
  expect(withoutIds('no id (beef)')).toBe('no id (beef)')
})
