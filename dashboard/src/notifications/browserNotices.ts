/**
 * Notifications of this browser. Every tab hears of the events; one of them, the leader, shows them.
 * The browser's lock chooses the leader, and when its tab is closed, the next one.
 */

import { readonly, ref, watch } from 'vue'
import { me } from '@/access/me'
import { onEvent, type FarmEvent } from '@/api/events'
import { router } from '@/shell/router'
import { shownOf, type Told, type Wish } from './browserWords'
import { USUAL } from './words'

const WISH = 'tablao-notices'
const NEWEST = 'tablao-notices-newest'
const LOCK = 'tablao-notices'
/** Many events that come together become one notification. */
const GATHER_MS = 1_500
/** So long a tab that is not the leader keeps events: if the leader's tab is closed, the next one shows what it has not. */
const KEPT_MS = 60_000
const MOST_KEPT = 200

/** The newest event that was shown, for the next leader. */
interface Mark {
  id: number
  at: number
}

const OFF: Wish = { isOn: false, kinds: USUAL, scope: 'mine', project: '' }

function stored(): Wish {
  try {
    return { ...OFF, ...(JSON.parse(localStorage.getItem(WISH) ?? '{}') as Partial<Wish>) }
  } catch {
    return OFF
  }
}

const wished = ref<Wish>(stored())
export const wish = readonly(wished)
/** Browsers let only pages that come by HTTPS or from their own machine show notifications. */
export const canNotify = window.isSecureContext && 'Notification' in window && 'locks' in navigator

let pending: (Told & { at: number })[] = []
let isLeader = false
let timer: number | undefined

/** Stores what the user wants; asks the browser for its permission if it must. */
export async function want(wanted: Wish): Promise<'done' | 'refused'> {
  if (wanted.isOn && (await Notification.requestPermission()) !== 'granted') return 'refused'
  wished.value = wanted
  localStorage.setItem(WISH, JSON.stringify(wanted))
  return 'done'
}

/** Hear of events from now on; called once by the page. */
export function listen(): void {
  if (!canNotify) return
  // Another tab has changed it.
  window.addEventListener('storage', ({ key }) => key === WISH && (wished.value = stored()))
  onEvent('/notifications', hear)
  watch(() => wished.value.isOn, (isOn) => isOn && void lead(), { immediate: true })
}

let isWaiting = false

async function lead(): Promise<void> {
  if (isWaiting) return
  isWaiting = true
  await navigator.locks.request(LOCK, () => {
    isLeader = true
    showSoon()
    // Until the tab is closed.
    return new Promise<never>(() => undefined)
  })
}

function hear({ id, payload }: FarmEvent): void {
  if (id === null || !wished.value.isOn) return
  const { kind, items } = payload as unknown as Omit<Told, 'id'>
  pending = [...fresh(), { id, kind, items, at: Date.now() }].slice(-MOST_KEPT)
  showSoon()
}

function fresh(): typeof pending {
  return pending.filter(({ at }) => Date.now() - at < KEPT_MS)
}

function showSoon(): void {
  if (isLeader && pending.length) timer ??= window.setTimeout(show, GATHER_MS)
}

/** What has no greater id than the mark was shown, by this leader or by the one before. */
function show(): void {
  timer = undefined
  const unseen = fresh().filter(({ id }) => id > mark().id)
  pending = []
  if (!unseen.length) return
  localStorage.setItem(NEWEST, JSON.stringify({ id: Math.max(...unseen.map(({ id }) => id)), at: Date.now() }))
  for (const { title, body, to } of shownOf(unseen, wished.value, me.value?.id ?? '')) {
    const notification = new Notification(title, { body, icon: '/icon.svg' })
    notification.onclick = () => {
      window.focus()
      void router.push(to)
      notification.close()
    }
  }
}

/** An old mark does not count: nothing is kept for so long, and a restored database begins with smaller ids. */
function mark(): Mark {
  const found = JSON.parse(localStorage.getItem(NEWEST) ?? 'null') as Mark | null
  return found && Date.now() - found.at < 2 * KEPT_MS ? found : { id: 0, at: 0 }
}
