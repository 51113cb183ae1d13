import { expect, test } from 'vitest'
import { inOrder, shownColumns, type Column } from '@/shared/table'

interface Row {
  name: string
  size: number
}

const COLUMNS: Column<Row>[] = [
  { key: 'name', label: 'Name', width: '1fr', value: (row) => row.name },
  { key: 'size', label: 'Size', width: '1fr', value: (row) => row.size },
  { key: 'icon', label: 'Icon', width: '1fr' },
]
const ROWS: Row[] = [{ name: 'frame 10', size: 2 }, { name: 'Frame 9', size: 10 }, { name: 'frame 11', size: 2 }]

const names = (key: string, isDescending: boolean): string[] =>
  inOrder(ROWS, COLUMNS, { key, isDescending }).map(({ name }) => name)

test('numbers in names are compared as numbers, and capitals do not count', () => {
  expect(names('name', false)).toEqual(['Frame 9', 'frame 10', 'frame 11'])
})

test('descending is the other way round', () => {
  expect(names('name', true)).toEqual(['frame 11', 'frame 10', 'Frame 9'])
})

test('rows that are alike keep their order', () => {
  expect(names('size', false)).toEqual(['frame 10', 'frame 11', 'Frame 9'])
  expect(names('size', true)).toEqual(['Frame 9', 'frame 10', 'frame 11'])
})

test.each(['icon', 'unknown'])('a column without a value (%s) changes nothing', (key) => {
  expect(names(key, false)).toEqual(ROWS.map(({ name }) => name))
})

const ALL: Column<Row>[] = [
  { key: 'name', label: 'Name', width: 'minmax(10rem, 1fr)', rank: 0 },
  { key: 'size', label: 'Size', width: '5rem', rank: 2 },
  { key: 'date', label: 'Date', width: '5rem', rank: 1 },
  { key: 'owner', label: 'Owner', width: '5rem' },
]
const keys = (chosen: readonly string[] | undefined, listPx: number): string[] => shownColumns(ALL, chosen, listPx).map(({ key }) => key)

test.each([
  [undefined, 100, ['name']],
  [undefined, 330, ['name', 'date']],
  [undefined, 2_000, ['name', 'size', 'date']],
  [['owner', 'name', 'gone'], 700, ['owner', 'name']],
  [['owner', 'size', 'name'], 330, ['size', 'name']],
])('of the chosen columns %j, a list of %d pixels shows %j', (chosen, listPx, expected) => {
  expect(keys(chosen, listPx)).toEqual(expected)
})
