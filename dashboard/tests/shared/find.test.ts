import { expect, test } from 'vitest'
import { nextTick, ref } from 'vue'
import { useFind, type Find } from '@/shared/find'

const rows = ref(['one', 'two', 'three', 'four'])

function opened(): Find {
  rows.value = ['one', 'two', 'three', 'four']
  const find = useFind(() => rows.value, (row) => row, (row, wanted) => row.includes(wanted))
  find.isOpen.value = true
  return find
}

test('typing goes to the first hit, and stays at one that still matches', async () => {
  const find = opened()

  find.text.value = 'T'
  await nextTick()
  expect(find.hits.value).toEqual(['two', 'three'])
  expect(find.at.value).toBe('two')
  find.step(1)
  find.text.value = 'th'
  await nextTick()

  expect(find.at.value).toBe('three')
})

test('rows that come after the text are found, and the first hit is gone to', async () => {
  const find = opened()
  rows.value = []
  find.text.value = 't'
  await nextTick()
  expect(find.at.value).toBeUndefined()

  rows.value = ['one', 'two']
  await nextTick()

  expect(find.at.value).toBe('two')
})

test('steps go round, in both directions', async () => {
  const find = opened()
  find.text.value = 'o'
  await nextTick()

  const places = [1, 1, 1, -1, -1].map((by) => {
    find.step(by as 1 | -1)
    return find.at.value
  })

  expect(places).toEqual(['two', 'four', 'one', 'four', 'two'])
})

test('a hit keeps its mark when rows change places, and the search goes on from there', async () => {
  const find = opened()
  find.text.value = 'o'
  await nextTick()
  find.step(1)

  rows.value = ['four', 'two', 'one']

  expect(find.at.value).toBe('two')
  find.step(1)
  expect(find.at.value).toBe('one')
})

test('a hit that is gone is no place: the next one is the first', async () => {
  const find = opened()
  find.text.value = 'o'
  await nextTick()

  rows.value = ['two', 'four']
  find.step(1)

  expect(find.at.value).toBe('two')
})

test('a closed box marks nothing', async () => {
  const find = opened()
  find.text.value = 'o'
  await nextTick()

  find.isOpen.value = false

  expect(find.hitSet.value.size).toBe(0)
})
