import { beforeEach, expect, test, vi } from 'vitest'
import { effectScope } from 'vue'
import type { Loaded } from '@/frames/frameImages'
import { usePlayer, type Player } from '@/frames/usePlayer'

const LENGTH = 4
const SECOND_MS = 1_000
let states: Loaded[]
let player: Player

beforeEach(() => {
  vi.useFakeTimers()
  states = new Array<Loaded>(LENGTH).fill('ready')
  player = effectScope(true).run(() => usePlayer({ length: () => LENGTH, fps: () => 1, state: (place) => states[place]! }))!
})

function after(seconds: number): number {
  vi.advanceTimersByTime(seconds * SECOND_MS + 100)
  return player.place.value
}

test('it plays in time, and again from the beginning', () => {
  player.toggle()

  expect([after(0), after(1), after(1), after(1)]).toEqual([1, 2, 3, 0])
})

test('without a loop it ends at the last frame, and begins again from the first', () => {
  player.isLoop.value = false
  player.toggle()
  expect(after(10)).toBe(3)
  expect(player.isPlaying.value).toBe(false)

  player.toggle()

  expect(after(0)).toBe(1)
})

test('it waits for a frame that is still loading, and does not hurry afterwards', () => {
  states[1] = 'loading'
  player.toggle()
  expect(after(5)).toBe(0)
  expect(player.isWaiting.value).toBe(true)

  states[1] = 'ready'

  expect(after(0)).toBe(1)
  expect(player.isWaiting.value).toBe(false)
  expect(after(0)).toBe(1)
})

test('steps stop at the ends, and end the playing', () => {
  player.toggle()

  player.step(-10)
  expect([player.place.value, player.isPlaying.value]).toEqual([0, false])
  player.step(Infinity)

  expect(player.place.value).toBe(LENGTH - 1)
})
