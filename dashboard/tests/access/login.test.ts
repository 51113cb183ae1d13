import { beforeEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter, type Router } from 'vue-router'
import type { Me, Permission } from '@/access/me'
import type { FakeFarm } from '../fakeFarm'

const ME = '/api/tablao/v1/me'

function me(changes: Partial<Me> = {}): Me {
  return { kind: 'person', id: 'a', name: 'ana', role: 'viewer', permissions: ['read'], via: 'session', credential: 's', can_log_in: false, has_password: true, ...changes }
}

const NOBODY = me({ kind: 'nobody', id: '', name: '', role: null, permissions: [], via: 'nothing', can_log_in: true })

let farm: FakeFarm
let router: Router
let access: typeof import('@/access/me')
let client: typeof import('@/api/client')

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { FakeFarm } = await import('../fakeFarm')
  farm = new FakeFarm()
  access = await import('@/access/me')
  client = await import('@/api/client')
  const { requireLogin } = await import('@/access/login')
  const component = { render: () => null }
  router = createRouter({
    history: createMemoryHistory('/app/'),
    routes: [{ path: '/jobs', component }, { path: '/login', name: 'login', component }],
  })
  requireLogin(router)
})

async function open(path: string, answer: Me): Promise<void> {
  const opened = router.push(path)
  await farm.answer(ME, answer)
  await opened
  await vi.advanceTimersByTimeAsync(0)
}

test('a page leads those who are nobody to the login, with the way back, and gets no events', async () => {
  const before = farm.socket

  await open('/jobs?status=failed', NOBODY)

  expect(router.currentRoute.value.fullPath).toBe('/login?to=/jobs?status=failed')
  expect(farm.socket).toBe(before)
})

test('a page opens for a user, and gets events', async () => {
  const before = farm.socket

  await open('/jobs', me())

  expect(router.currentRoute.value.fullPath).toBe('/jobs')
  expect(farm.socket).not.toBe(before)
})

test.each<[string, Permission[], boolean]>([
  ['one of several', ['submit', 'read'], true],
  ['none', ['admin'], false],
])('a page offers what needs a permission: %s', async (_, anyOf, isOffered) => {
  expect(access.may(...anyOf)).toBe(false)

  await open('/jobs', me())

  expect(access.may(...anyOf)).toBe(isOffered)
})

test('a page leads to the login when a later request is refused for it', async () => {
  await open('/jobs', me())

  const refused = client.answered(client.api.GET('/api/v3/status')).catch(() => undefined)
  await farm.answer('/api/v3/status', { message: 'log in, or send a token' }, 401)
  await refused
  await farm.answer(ME, NOBODY)

  expect(router.currentRoute.value.fullPath).toBe('/login?to=/jobs')
})

test('a page stays when only one request was refused, such as a wrong password', async () => {
  await open('/jobs', me())

  const refused = client.answered(client.api.GET('/api/v3/status')).catch(() => undefined)
  await farm.answer('/api/v3/status', { message: 'no' }, 401)
  await refused
  await farm.answer(ME, me())

  expect(router.currentRoute.value.fullPath).toBe('/jobs')
})

test('a page asks who the user is before it connects again, and stops if that is nobody', async () => {
  await open('/jobs', me())
  const { socket } = farm

  socket.onclose?.()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(farm.socket).toBe(socket)
  await farm.answer(ME, NOBODY)
  await vi.advanceTimersByTimeAsync(60_000)

  expect(farm.socket).toBe(socket)
  expect(farm.asked(ME)).toBe(0)
  expect(router.currentRoute.value.name).toBe('login')
})

test('a login that was refused has a sentence of ours, and words of others have none', async () => {
  const { refusalOf } = await import('@/access/login')

  expect(refusalOf('no-role')).toContain('none of your groups')
  expect(refusalOf('call 555-1234')).toBe('')
  expect(refusalOf('toString')).toBe('')
  expect(refusalOf(['away'])).toBe('')
  expect(refusalOf(undefined)).toBe('')
})

test('the studio’s own login is told the page that was wanted', async () => {
  const { providerAddress } = await import('@/access/login')

  expect(providerAddress('/jobs?status=failed&sort=name')).toMatch(/\/login\/oidc\?to=%2Fjobs%3Fstatus%3Dfailed%26sort%3Dname$/)
  expect(providerAddress(undefined)).toMatch(/\/login\/oidc$/)
})
