import { expect, test } from 'vitest'
import { ref, shallowRef } from 'vue'
import type { TaskSummary } from '@/api/client'
import { useShownTasks, type ShownTasks, type TaskFilter } from '@/tasks/shownTasks'
import { possible } from '@/tasks/taskActions'
import { share, taskColumns } from '@/tasks/taskColumns'
import { shownColumns } from '@/shared/table'
import { task } from '../rows'

const TASKS = [
  task({ id: '1', name: 'render-1', index_in_job: 1, status: 'completed', worker: { id: 'w', name: 'Anita', address: '' } }),
  task({ id: '2', name: 'render-2', index_in_job: 2, status: 'failed' }),
  task({ id: '3', name: 'encode', index_in_job: 3, status: 'queued', task_type: 'ffmpeg' }),
]

function shown(filter: Partial<TaskFilter>, tasks = ref<readonly TaskSummary[]>(TASKS), sort = 'index'): ShownTasks {
  const columns = taskColumns((each) => TASKS.findIndex(({ id }) => id === each.id))
  return useShownTasks(() => tasks.value, () => columns, ref({ key: sort, isDescending: false }), () => ({ text: '', status: '', ...filter }))
}
const ids = ({ rows }: ShownTasks): string[] => rows.value.map(({ id }) => id)

test.each([
  [{}, ['1', '2', '3']],
  [{ text: 'RENDER' }, ['1', '2']],
  [{ text: 'anita' }, ['1']],
  [{ text: 'ffmpeg enc' }, ['3']],
  [{ status: 'failed' }, ['2']],
  [{ status: 'failed', text: 'encode' }, []],
] as [Partial<TaskFilter>, string[]][])('%j shows %j', (filter, expected) => {
  expect(ids(shown(filter))).toEqual(expected)
})

test('sorted by status, failed tasks come before queued and completed ones', () => {
  expect(ids(shown({}, undefined, 'status'))).toEqual(['2', '3', '1'])
})

test('a lock keeps rows and their order while statuses change, and drops tasks that are gone', () => {
  const tasks = shallowRef<readonly TaskSummary[]>(TASKS)
  const list = shown({ status: 'failed' }, tasks)
  list.setLocked(true)

  tasks.value = TASKS.map((each) => ({ ...each, status: 'active' as const }))
  expect(list.rows.value).toMatchObject([{ id: '2', status: 'active' }])
  tasks.value = TASKS.slice(2)
  expect(ids(list)).toEqual([])
  list.setLocked(false)

  expect(list.isLocked.value).toBe(false)
})

test('a narrow list leaves out type and time', () => {
  const keys = shownColumns(taskColumns(() => 0), undefined, 600).map(({ key }) => key)

  expect(keys).toEqual(['index', 'status', 'name', 'progress', 'worker'])
})

test('progress is a share of the steps', () => {
  expect(share(task({ steps_completed: 1, steps_total: 4 }))).toBe(0.25)
  expect(share(task())).toBe(0)
})

test('tasks are canceled before their end, and requeued after it', () => {
  expect(possible(TASKS, 'cancel').map(({ id }) => id)).toEqual(['3'])
  expect(possible(TASKS, 'requeue').map(({ id }) => id)).toEqual(['1', '2'])
})
