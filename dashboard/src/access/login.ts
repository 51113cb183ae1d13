/** Logging in and out, and the way to the login page and back. */

import { watch } from 'vue'
import type { RouteLocationRaw, Router } from 'vue-router'
import { addressOf } from '@/api/address'
import { answered, api, onUnauthorized } from '@/api/client'
import { connect } from '@/api/events'
import { forgetForms } from '@/shared/formUse'
import { hasLoginEnded, isSomebody, me } from './me'

export async function logIn(name: string, password: string): Promise<void> {
  await answered(api.POST('/api/tablao/v1/login', { body: { name, password } }))
}

export async function logInWithLink(code: string): Promise<void> {
  await answered(api.POST('/api/tablao/v1/login/link', { body: { code } }))
}

/** Returns where the browser goes to log out of the studio's own login, too; empty: nowhere. */
export async function logOut(): Promise<string> {
  return (await answered(api.POST('/api/tablao/v1/logout'))).continue_at
}

/** The words of the button for the studio's own login; empty: there is none. */
export async function fetchProvider(): Promise<string> {
  return (await answered(api.GET('/api/tablao/v1/login'))).provider
}

/** Where the studio's own login begins; it leads back to a page of this dashboard. */
export function providerAddress(wanted: unknown): string {
  const query = typeof wanted === 'string' ? `?${new URLSearchParams({ to: wanted }).toString()}` : ''
  return addressOf('/api/tablao/v1/login/oidc') + query
}

/** Why a login by the studio's own login was refused, by the manager's word for it. */
const REFUSALS: Readonly<Record<string, string>> = {
  'off': 'This farm has no login of the studio.',
  'away': 'The studio’s login does not answer. Try again later; a name and password of this farm work meanwhile.',
  'refused': 'The studio’s login has refused.',
  'old': 'That login was begun too long ago, or in another browser. Begin again.',
  'wrong': 'The studio’s login gave an answer that cannot be trusted. An administrator finds the reason in the audit.',
  'no-role': 'You are logged in at the studio, but none of your groups has a role on this farm. Ask an administrator.',
  'disabled': 'An administrator has disabled your account on this farm.',
  'busy': 'The farm is busy. Try again in a few minutes.',
}

/** The sentence for a word in the address; empty for none, and for one that is not the manager's. */
export function refusalOf(word: unknown): string {
  return typeof word === 'string' && Object.hasOwn(REFUSALS, word) ? REFUSALS[word]! : ''
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
  router.afterEach(({ path }, from) => path !== from.path && forgetForms())
  onUnauthorized(() => void isSomebody())
  watch(hasLoginEnded, (hasEnded) => !hasEnded && me.value?.kind !== 'nobody' && connect(isSomebody))
  void router.isReady().then(() => {
    watch(() => me.value?.kind === 'nobody', (isNobody) => isNobody && leadToLogin(router), { immediate: true })
  })
}

function leadToLogin(router: Router): void {
  const { name, fullPath } = router.currentRoute.value
  if (name !== 'login') void router.replace(loginFrom(fullPath))
}
