import { beforeEach, expect, test } from 'vitest'
import { hiddenText, useSelection, type Modifiers, type Selection } from '@/shared/selection'

const ORDER = ['a', 'b', 'c', 'd']
let selection: Selection

function pick(key: string, modifiers: Partial<Modifiers> = {}): string[] {
  selection.pick(key, ORDER, { shiftKey: false, ctrlKey: false, metaKey: false, ...modifiers })
  return [...selection.selected.value]
}

beforeEach(() => {
  selection = useSelection()
})

test('a click selects one row alone', () => {
  pick('a')

  expect(pick('c')).toEqual(['c'])
})

test.each(['ctrlKey', 'metaKey'])('%s adds a row, and takes it away', (key) => {
  pick('a')

  expect(pick('c', { [key]: true })).toEqual(['a', 'c'])
  expect(pick('a', { [key]: true })).toEqual(['c'])
})

test('Shift selects all rows from the last click, in either direction', () => {
  pick('c')

  expect(pick('d', { shiftKey: true })).toEqual(['c', 'd'])
  expect(pick('a', { shiftKey: true })).toEqual(['a', 'b', 'c'])
})

test('Shift with Ctrl adds them to those that are selected', () => {
  pick('a')
  pick('c', { ctrlKey: true })

  expect(pick('d', { shiftKey: true, ctrlKey: true })).toEqual(['a', 'c', 'd'])
})

test('Shift begins at the row clicked when no other was clicked before', () => {
  expect(pick('b', { shiftKey: true })).toEqual(['b'])
})

test('it can be set and cleared', () => {
  selection.set(['b', 'd'])
  expect([...selection.selected.value]).toEqual(['b', 'd'])

  selection.clear()
  expect(selection.selected.value.size).toBe(0)
})

test('what a filter hides of the selection is said', () => {
  expect(hiddenText(1)).toBe('1 more selected is hidden by the filter')
  expect(hiddenText(2)).toBe('2 more selected are hidden by the filter')
})
