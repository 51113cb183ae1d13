/** Saved views, which the manager keeps: shared ones, and those of this browser. */

import { computed, shallowRef, type ComputedRef } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { firstPageDrawn } from './firstPage'
import { complain } from './notices'

export type SavedView = Schemas['View']
export type ViewPage = Schemas['Page']

const KEY = 'tablao-owner'
/** Stands for the owner of personal views where the user has no account. The manager puts the account in its place. */
const owner = window.localStorage.getItem(KEY) ?? newOwner()
const views = shallowRef<readonly SavedView[]>([])
let isStarted = false

export function useSavedViews(page: ViewPage): ComputedRef<SavedView[]> {
  if (!isStarted) {
    isStarted = true
    onEvent('/views', () => void fetchViews())
    onMissed(() => void fetchViews())
    void firstPageDrawn().then(fetchViews)
  }
  return computed(() => views.value.filter((view) => view.page === page))
}

/** Replaces a view of the same name. */
export async function saveView(page: ViewPage, name: string, query: string, isShared: boolean): Promise<void> {
  const body = { page, name, query, is_shared: isShared, owner }
  const known = views.value.find((view) => view.page === page && view.name === name && view.is_shared === isShared)
  try {
    if (known) await answered(api.PUT('/api/tablao/v1/views/{view_id}', { params: { path: { view_id: known.id } }, body }))
    else await answered(api.POST('/api/tablao/v1/views', { body }))
  } catch (reason) {
    complain(reason)
  }
}

export async function removeView(view: SavedView): Promise<void> {
  const params = { path: { view_id: view.id }, query: { owner } }
  try {
    await answered(api.DELETE('/api/tablao/v1/views/{view_id}', { params }))
  } catch (reason) {
    complain(reason)
  }
}

async function fetchViews(): Promise<void> {
  try {
    views.value = (await answered(api.GET('/api/tablao/v1/views', { params: { query: { owner } } }))).views
  } catch (reason) {
    complain(reason)
  }
}

function newOwner(): string {
  // randomUUID() is missing where the page came over plain HTTP from another machine.
  const digits = [...window.crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0'))
  window.localStorage.setItem(KEY, digits.join(''))
  return digits.join('')
}
