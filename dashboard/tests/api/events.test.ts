import { beforeEach, expect, test, vi } from 'vitest'
import type { FakeFarm } from '../fakeFarm'

let farm: FakeFarm
let events: typeof import('@/api/events')

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  farm = new FakeFarm()
  events = await import('@/api/events')
})

test('a listener hears its topic and those below, until it stops', () => {
  const topics: string[] = []
  const stop = events.onEvent('/jobs', ({ topic }) => topics.push(topic))

  for (const topic of ['/jobs', '/jobs/1', '/jobsets', '/workers']) farm.send(topic, {})
  stop()
  farm.send('/jobs', {})

  expect(topics).toEqual(['/jobs', '/jobs/1'])
})

test('a new connection goes on after the newest event, and fetches nothing', async () => {
  const missed = vi.fn()
  events.onMissed(missed)
  farm.send('/jobs', {})

  farm.socket.onclose?.()
  expect(events.connection.isConnected.value).toBe(false)
  await vi.advanceTimersByTimeAsync(300)
  farm.socket.onopen?.()

  expect(farm.socket.url).toContain('&since=1')
  expect(events.connection.isConnected.value).toBe(true)
  expect(missed).not.toHaveBeenCalled()
})

test.each([true, false])('what was missed for good is fetched again (the manager says so: %s)', async (isSaid) => {
  const missed = vi.fn()
  const forget = events.onMissed(missed)

  if (isSaid) {
    farm.send('/missed', {})
  } else {
    farm.socket.onclose?.()
    await vi.advanceTimersByTimeAsync(300)
    farm.socket.onopen?.()
  }
  expect(missed).toHaveBeenCalledOnce()
  forget()
  farm.send('/missed', {})

  expect(missed).toHaveBeenCalledOnce()
})

test('pauses between attempts grow', async () => {
  const urls = new Set<unknown>()
  for (let count = 0; count < 3; count++) {
    urls.add(farm.socket)
    farm.socket.onclose?.()
    await vi.advanceTimersByTimeAsync(400)
  }

  expect(urls.size).toBe(2)
})

test('logs and machines are asked for while somebody listens, in one message', async () => {
  const stops = ['/tasklog/1', '/workers/2/statistics', '/jobs'].map((topic) => events.onEvent(topic, () => undefined))
  await vi.advanceTimersByTimeAsync(0)
  expect(farm.socket.sent).toEqual(['{"also": ["/tasklog/1","/workers/2/statistics"]}'])

  for (const stop of stops) stop()
  await vi.advanceTimersByTimeAsync(0)

  expect(farm.socket.sent.slice(1)).toEqual(['{"also": []}'])
})

test('the time of the loss is that of the first end, until the connection is there again', async () => {
  farm.socket.onclose?.()
  const lostAt = events.connection.lostAt.value
  await vi.advanceTimersByTimeAsync(1_000)
  farm.socket.onclose?.()

  expect(lostAt).toBeTruthy()
  expect(events.connection.lostAt.value).toBe(lostAt)
  await vi.advanceTimersByTimeAsync(2_000)
  farm.socket.onopen?.()
  expect(events.connection.lostAt.value).toBeUndefined()
})
