/** Logging in and out, and the way to the login page and back. */

import { watch } from 'vue'
import type { RouteLocationRaw, Router } from 'vue-router'
import { answered, api, onUnauthorized } from '@/api/client'
import { connect } from '@/api/events'
import { isSomebody, me } from './me'

export async function logIn(name: string, password: string): Promise<void> {
  await answered(api.POST('/api/tablao/v1/login', { body: { name, password } }))
}

export async function logInWithLink(code: string): Promise<void> {
  await answered(api.POST('/api/tablao/v1/login/link', { body: { code } }))
}

export async function logOut(): Promise<void> {
  await answered(api.POST('/api/tablao/v1/logout'))
}

/** The code of a one-time link; undefined if the address has none. */
export function linkCode(hash: string): string | undefined {
  return new URLSearchParams(hash.slice(1)).get('link') || undefined
}

/** The login page, which leads back to an address of this dashboard. */
export function loginFrom(fullPath: string): RouteLocationRaw {
  return { name: 'login', query: fullPath === '/' ? {} : { to: fullPath } }
}

/**
 * Loads a page of the dashboard from its beginning, after the user became another one: so nothing
 * stays that the one before was shown, and live events begin again.
 */
export function startOverAt(router: Router, wanted: unknown): void {
  const path = typeof wanted === 'string' && wanted.startsWith('/') ? wanted : '/'
  window.location.replace(router.resolve(path).href)
}

/** Leads to the login page at the beginning and at any later time, and connects the page to live events. */
export function requireLogin(router: Router): void {
  let isBegun = false
  router.beforeEach(async (to) => {
    if (!isBegun) {
      isBegun = true
      // Before the view is loaded and asks for lists, so that no event is missed after their answers. Those who are
      // nobody get no events; after a login the page is loaded again, and comes here again.
      if (await isSomebody()) connect(isSomebody)
    }
    return me.value?.kind !== 'nobody' || to.name === 'login' || loginFrom(to.fullPath)
  })
  onUnauthorized(() => void isSomebody())
  void router.isReady().then(() => {
    watch(() => me.value?.kind === 'nobody', (isNobody) => isNobody && leadToLogin(router), { immediate: true })
  })
}

function leadToLogin(router: Router): void {
  const { name, fullPath } = router.currentRoute.value
  if (name !== 'login') void router.replace(loginFrom(fullPath))
}
