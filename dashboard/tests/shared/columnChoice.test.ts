import { expect, test } from 'vitest'
import { columnsIn, useColumnChoice, withColumns } from '@/shared/columnChoice'

test.each([
  ['status=failed&q=sh', ['name', 'done']],
  ['', ['name']],
  ['status=failed', undefined],
])('a saved view keeps the query %j and the columns %j', (query, columns) => {
  expect(columnsIn(withColumns(query, columns))).toEqual({ query, columns })
})

test('a choice is kept, for each page its own, and can be taken back', () => {
  const { chosen, choose } = useColumnChoice('jobs')
  choose(['name', 'done'])

  expect(useColumnChoice('jobs').chosen.value).toEqual(['name', 'done'])
  expect(useColumnChoice('workers').chosen.value).toBeUndefined()
  expect(window.localStorage.getItem('tablao-columns-jobs')).toBe('name,done')
  choose(undefined)
  expect(chosen.value).toBeUndefined()
  expect(window.localStorage.getItem('tablao-columns-jobs')).toBeNull()
})
