import { expect, test } from 'vitest'
import { effectScope, ref, shallowRef, triggerRef, type Ref, type ShallowRef } from 'vue'
import type { Hit } from '@/tasklog/hits'
import { MOST_HITS, useLineScan, type Scanner } from '@/tasklog/lineScan'
import type { LogText } from '@/tasklog/taskLog'

function logOf(lines: string[], omitted = 0): LogText & { lines: ShallowRef<string[]>; generation: Ref<number> } {
  return { lines: shallowRef(lines), omitted: ref(omitted), generation: ref(1), isLoading: ref(false) }
}

const asks: number[] = []
const findX: Scanner = async (lines, first) => {
  asks.push(lines.length)
  return lines.flatMap((line, at): Hit[] => (line.includes('x') ? [{ line: first + at, marks: [] }] : []))
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

test('lines that are added later are found, and the last line again when it has grown', async () => {
  asks.length = 0
  const log = logOf(['x', 'a', 'b'], 100)
  const scan = effectScope().run(() => useLineScan(log, () => findX))!
  await settled()
  expect(scan.places.value).toEqual([101])

  log.lines.value[2] = 'b and x'
  log.lines.value.push('c', 'x')
  triggerRef(log.lines)
  await settled()

  expect(scan.places.value).toEqual([101, 103, 105])
  expect(asks).toEqual([3, 3])
})

test('other lines are looked through from the beginning', async () => {
  const log = logOf(['x'])
  const scan = effectScope().run(() => useLineScan(log, () => findX))!
  await settled()

  log.lines.value = ['a', 'x']
  log.generation.value++
  await settled()

  expect(scan.places.value).toEqual([2])
})

test('a scanner that fails is not asked again until there is another one', async () => {
  let asked = 0
  const fails: Scanner = async () => {
    asked++
    throw new Error('too slow')
  }
  const log = logOf(['x'])
  const scanner = shallowRef(fails)
  const scan = effectScope().run(() => useLineScan(log, () => scanner.value))!
  await settled()

  log.lines.value.push('x')
  triggerRef(log.lines)
  await settled()
  expect([asked, scan.isBusy.value]).toEqual([1, false])

  scanner.value = findX
  await settled()
  expect(scan.places.value).toEqual([1, 2])
})

test('there is an end to what is kept', async () => {
  const log = logOf(new Array<string>(MOST_HITS + 10).fill('x'))
  const scan = effectScope().run(() => useLineScan(log, () => findX))!

  await expect.poll(() => scan.isCut.value).toBe(true)
  expect(scan.places.value).toHaveLength(MOST_HITS)
})
