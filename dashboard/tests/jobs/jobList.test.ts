import { expect, test } from 'vitest'
import { ref } from 'vue'
import { JOB_COLUMNS, newestFirst, usedColumns } from '@/jobs/columns'
import { parsed } from '@/jobs/jobQuery'
import { useJobList } from '@/jobs/useJobList'
import { leastPx, shownColumns } from '@/shared/table'
import { job } from '../rows'

const JOBS = [
  job({ id: '1', name: 'b', status: 'completed', priority: 5 }),
  job({ id: '2', name: 'a', status: 'active', priority: 50 }),
  job({ id: '3', name: 'c', status: 'active', priority: 10, metadata: { project: 'Pilot' } }),
]

function listed(address: Parameters<typeof parsed>[0]): ReturnType<typeof useJobList> {
  return useJobList(ref(JOBS), ref(parsed(address)), ref(new Map()), ref(COLUMNS))
}
const TIMES = new Map([['2', { earliest_s: 60, latest_s: 90 }], ['4', { earliest_s: 1, latest_s: 2 }]])
const COLUMNS = JOB_COLUMNS({ tags: new Map(), times: TIMES, workers: new Map([['3', 2]]) })
const names = (address: Parameters<typeof parsed>[0]): string[] => listed(address).rows.value.map(({ name }) => name)

test('jobs stay as they come unless the query sorts them', () => {
  expect(names({})).toEqual(['b', 'a', 'c'])
  expect(names({ sort: '-priority' })).toEqual(['a', 'c', 'b'])
})

test('sorted by status, active jobs come before completed ones', () => {
  expect(names({ sort: 'status' })).toEqual(['a', 'c', 'b'])
})

test('sorted by the time left, what ends first comes first, and what is not active last', () => {
  expect(names({ sort: 'left' })).toEqual(['a', 'c', 'b'])
})

test('sorted by workers, the job that most are at comes last', () => {
  expect(names({ sort: 'workers' }).at(-1)).toBe('c')
})

test('a facet counts what all other filters let through', () => {
  const { rows, counts } = listed({ status: 'active', project: 'Pilot' })

  expect(rows.value.map(({ id }) => id)).toEqual(['3'])
  expect([...counts.value.status]).toEqual([['completed', 0], ['active', 1]])
  expect([...counts.value.project]).toEqual([['', 1], ['Pilot', 1]])
})

test('filters keep their values while no job matches', () => {
  const { rows, counts } = listed({ q: 'no such job' })

  expect(rows.value).toEqual([])
  expect([...counts.value.status]).toEqual([['completed', 0], ['active', 0]])
  expect([...counts.value.project]).toEqual([['', 0], ['Pilot', 0]])
})

test('columns go when the list is narrow, and when no job has a value', () => {
  const keys = (jobs: typeof JOBS, width: number): string[] => shownColumns(usedColumns(COLUMNS, jobs), undefined, width).map(({ key }) => key)

  expect(keys(JOBS, 400)).toEqual(['status', 'name', 'progress'])
  expect(keys(JOBS, 2_000)).toContain('project')
  expect(keys([job()], 2_000)).not.toContain('project')
})

test('on a phone the list of jobs is not wider than the screen', () => {
  expect(leastPx(shownColumns(COLUMNS, undefined, 360))).toBeLessThanOrEqual(360)
})

test('the newest jobs come first, in whatever order they were told', () => {
  const at = (id: string, created: string): ReturnType<typeof job> => job({ id, created: `2026-01-01T10:00:${created}Z` })
  const jobs = [at('b', '05'), at('c', '05.5'), at('a', '05'), at('e', '04.25'), at('d', '07')]

  expect(jobs.sort(newestFirst).map(({ id }) => id)).toEqual(['d', 'c', 'b', 'a', 'e'])
})
