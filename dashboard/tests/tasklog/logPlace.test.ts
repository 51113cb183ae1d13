import { expect, test } from 'vitest'
import { placeIn, queryOf, WHOLE_LOG } from '@/tasklog/logPlace'

test.each([
  [{}, WHOLE_LOG],
  [{ line: '7' }, { ...WHOLE_LOG, from: 7, to: 7 }],
  [{ line: '9-7', try: '2' }, { ...WHOLE_LOG, attempt: 2, from: 7, to: 9 }],
  [{ find: 'a.*b', pattern: '1' }, { ...WHOLE_LOG, text: 'a.*b', isPattern: true }],
  [{ line: '0', try: '-1', pattern: 'yes' }, WHOLE_LOG],
  [{ line: '1e9', try: '12345678901' }, WHOLE_LOG],
])('the address with %j shows %j', (query, place) => {
  expect(placeIn(query)).toEqual(place)
})

test.each([
  WHOLE_LOG,
  { attempt: 3, from: 7, to: 9, text: 'a b', isPattern: true },
  { ...WHOLE_LOG, attempt: 0, from: 1, to: 1 },
])('an address shows what it was made from: %j', (place) => {
  const query = Object.fromEntries(Object.entries(queryOf(place)).map(([key, value]) => [key, String(value)]))

  expect(placeIn(query)).toEqual(place)
})
