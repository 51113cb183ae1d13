import { expect, test } from 'vitest'
import { comparisonIn, queryOf } from '@/compare/compareQuery'
import { differenceOf } from '@/compare/difference'

const JOB = '11111111-2222-4333-8444-555555555555'

test.each([
  [{}, { left: undefined, right: undefined, mode: 'side' }],
  [{ left: `${JOB}:7`, mode: 'wipe' }, { left: { jobId: JOB, frame: 7, version: '' }, right: undefined, mode: 'wipe' }],
  [{ right: `${JOB}:-7:1f.a0` }, { left: undefined, right: { jobId: JOB, frame: -7, version: '1f.a0' }, mode: 'side' }],
  [{ left: 'x:1', right: `${JOB}:1:../x`, mode: 'other' }, { left: undefined, right: undefined, mode: 'side' }],
] as const)('the address with %j compares %j', (query, comparison) => {
  expect(comparisonIn(query)).toEqual(comparison)
})

test('an address compares what it was made from', () => {
  const comparison = { left: { jobId: JOB, frame: 1, version: '' }, right: { jobId: JOB, frame: -2, version: 'a.b' }, mode: 'difference' as const }

  expect(comparisonIn(queryOf(comparison) as Record<string, string>)).toEqual(comparison)
})

const rgba = (...values: number[]): Uint8ClampedArray => new Uint8ClampedArray(values)

test('the difference has a mean, a maximum and a share, and is made brighter', () => {
  const into = new Uint8ClampedArray(8)

  const found = differenceOf(rgba(10, 20, 30, 255, 5, 5, 5, 255), rgba(10, 26, 0, 0, 5, 5, 5, 255), into, 10)

  expect(found).toEqual({ mean: 6, most: 30, share: 0.5 })
  expect([...into]).toEqual([0, 60, 255, 255, 0, 0, 0, 255])
})

test('pictures without pixels do not differ', () => {
  expect(differenceOf(rgba(), rgba(), rgba(), 4)).toEqual({ mean: 0, most: 0, share: 0 })
})
