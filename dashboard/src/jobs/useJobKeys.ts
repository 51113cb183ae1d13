/** Keys of the whole view: `/` goes to the search, Enter from there to the list, Ctrl-A selects all jobs, C compares two, Escape closes the details. */

import { onBeforeUnmount, onMounted } from 'vue'
import { isTyping, TABLE_KEYS, usePageKeys, type KeyHelp } from '@/shared/pageKeys'

const KEYS: readonly KeyHelp[] = [
  [['/'], 'to the search; Enter or ↓ there: to what was found'],
  [['Ctrl', 'F'], 'find among all rows; in Tasks also with /'],
  ...TABLE_KEYS,
  [['Ctrl', 'A'], 'select all that are shown'],
  [['C'], 'compare the frames of the two selected jobs'],
  [['Esc'], 'close what is open'],
]

interface Keys {
  close: () => void
  selectAll: () => void
  compare: () => unknown
}

export function useJobKeys({ close, selectAll, compare }: Keys): void {
  function meant(event: KeyboardEvent): (() => unknown) | undefined {
    const isCommand = event.ctrlKey || event.metaKey || event.altKey
    switch (event.key) {
      case '/': return () => document.querySelector<HTMLElement>('[data-find]')?.focus()
      case 'a': return isCommand && isInList(event) ? selectAll : undefined
      case 'c': return isCommand ? undefined : compare
      case 'Escape': return close
    }
    return undefined
  }

  function pressed(event: KeyboardEvent): void {
    if (isTyping(event.target) || document.querySelector('dialog[open]')) return
    const run = meant(event)
    run?.()
    if (run && run !== close) event.preventDefault()
  }

  usePageKeys(KEYS)
  onMounted(() => document.addEventListener('keydown', pressed))
  onBeforeUnmount(() => document.removeEventListener('keydown', pressed))
}

const isInList = (event: KeyboardEvent): boolean => (event.target as HTMLElement).closest?.('[role="grid"]')?.getAttribute('aria-label') === 'Jobs'

const ROW = '[role="grid"][aria-label="Jobs"] [role="row"][tabindex="0"]'
const PATIENCE_MS = 10_000

/** Focuses the row at which the table's keys continue; waits for the first row while the list is being loaded. */
export function focusList(): void {
  const row = document.querySelector<HTMLElement>(ROW)
  if (row) return row.focus()
  const from = document.activeElement
  const observer = new MutationObserver(() => {
    const first = document.querySelector<HTMLElement>(ROW)
    if (!first) return
    observer.disconnect()
    // The user may have gone elsewhere meanwhile.
    if (document.activeElement === from) first.focus()
  })
  observer.observe(document.body, { childList: true, subtree: true })
  window.setTimeout(() => observer.disconnect(), PATIENCE_MS)
}
