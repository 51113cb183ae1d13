import { beforeEach, expect, test, vi } from 'vitest'
import type { FakeFarm } from '../fakeFarm'

let farm: FakeFarm
let me: typeof import('@/access/me')

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  farm = new FakeFarm()
  me = await import('@/access/me')
})

async function logIn(permissions: string[]): Promise<void> {
  const known = me.isSomebody()
  await farm.answer('/api/tablao/v1/me', { kind: 'person', id: 'arno', permissions })
  await known
}

test.each([
  ['an artist', ['jobs:own'], 'arno', true],
  ['an artist', ['jobs:own'], 'vera', false],
  ['an artist', ['jobs:own'], undefined, false],
  ['a wrangler', ['jobs:own', 'jobs:all'], 'vera', true],
  ['a wrangler', ['jobs:own', 'jobs:all'], undefined, true],
  ['a viewer', ['read'], 'arno', false],
] as const)('%s with %j may change a job of %s: %s', async (_, permissions, owner, may) => {
  await logIn([...permissions])

  expect(me.mayChangeJob({ owner: owner ?? null })).toBe(may)
})
