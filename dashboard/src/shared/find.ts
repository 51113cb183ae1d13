/**
 * Finding in a list of which only the rows in sight are drawn, so that the browser's own search sees
 * few of them. Ctrl-F opens a find box; a second Ctrl-F, in the box, is the browser's.
 */

import { computed, onBeforeUnmount, onMounted, ref, watch, type ComputedRef, type Ref } from 'vue'

export interface Find {
  isOpen: Ref<boolean>
  text: Ref<string>
  /** The keys of the rows that match, in the order of the list. */
  hits: ComputedRef<readonly string[]>
  hitSet: ComputedRef<ReadonlySet<string>>
  /** The key of the hit that the search is at. */
  at: Ref<string | undefined>
  step: (by: 1 | -1) => void
}

export function useFind<Row>(rows: () => readonly Row[], keyOf: (row: Row) => string, matches: (row: Row, wanted: string) => boolean): Find {
  const isOpen = ref(false)
  const text = ref('')
  const at = ref<string>()
  const wanted = computed(() => (isOpen.value ? text.value.trim().toLowerCase() : ''))
  const hits = computed(() => (wanted.value ? rows().filter((row) => matches(row, wanted.value)).map(keyOf) : []))

  function step(by: 1 | -1): void {
    const place = at.value === undefined ? -1 : hits.value.indexOf(at.value)
    const start = place < 0 && by < 0 ? 0 : place
    at.value = hits.value[(start + by + hits.value.length) % hits.value.length]
  }

  // While more is typed, the search stays at a hit that still matches. Rows may come after the text.
  watch([wanted, () => hits.value.length > 0], () => {
    if (at.value === undefined || !hits.value.includes(at.value)) at.value = hits.value[0]
  })
  return { isOpen, text, hits, hitSet: computed(() => new Set(hits.value)), at, step }
}

interface FindPlace {
  /** The element that has the list. */
  root: () => HTMLElement | undefined
  open: () => void
  /** Whether `/` opens the box, too. */
  hasSlash: boolean
}

/** The lists of the page. */
const places: FindPlace[] = []

/** What has a search of its own: logs and editors. Dialogs cover the lists. */
const NOT_OURS = '[data-own-find], .cm-editor, textarea, [contenteditable="true"], dialog'

/** Opens the find box of the list that has the focus; of the page's last list if the focus is in none. */
export function useFindKeys(place: FindPlace): void {
  onMounted(() => {
    if (!places.length) document.addEventListener('keydown', pressed, { capture: true })
    places.push(place)
  })
  onBeforeUnmount(() => {
    places.splice(places.indexOf(place), 1)
    if (!places.length) document.removeEventListener('keydown', pressed, { capture: true })
  })
}

function pressed(event: KeyboardEvent): void {
  const isFind = isCtrlF(event)
  if (!isFind && event.key !== '/') return
  const target = event.target instanceof HTMLElement ? event.target : document.body
  if (isElsewhere(target, isFind)) return
  const place = placeOf(target)
  if (!place || (!isFind && !place.hasSlash)) return
  event.preventDefault()
  event.stopPropagation()
  place.open()
}

function isCtrlF({ key, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent): boolean {
  return key.toLowerCase() === 'f' && (ctrlKey || metaKey) && !shiftKey && !altKey
}

/** Whether the key is for what has the focus: a slash for every input, Ctrl-F for our own box, where it is the browser's. */
function isElsewhere(target: HTMLElement, isFind: boolean): boolean {
  if (target.closest(NOT_OURS) || document.querySelector('dialog[open]')) return true
  return target.matches(isFind ? '[data-find-box]' : 'input, select')
}

function placeOf(target: HTMLElement): FindPlace | undefined {
  const lastFirst = [...places].sort((one, other) => (isBefore(one.root(), other.root()) ? 1 : -1))
  return lastFirst.find(({ root }) => root()?.contains(target)) ?? lastFirst[0]
}

/** In the document. What is inside another element comes after it. */
function isBefore(one: Node | undefined, other: Node | undefined): boolean {
  return one !== undefined && other !== undefined && (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0
}
