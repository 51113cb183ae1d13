/** What the keys of the shown page do, for the sheet that `?` opens. */

import { onBeforeUnmount, onMounted, readonly, shallowRef } from 'vue'

/** The keys, as they are labelled, and what they do. */
export type KeyHelp = readonly [keys: readonly string[], does: string]

const shown = shallowRef<ReadonlyMap<symbol, readonly KeyHelp[]>>(new Map())

export const pageKeys = readonly(shown)

/** Names keys as long as the component is there. */
export function usePageKeys(keys: readonly KeyHelp[]): void {
  const owner = Symbol('keys')
  onMounted(() => (shown.value = new Map(shown.value).set(owner, keys)))
  onBeforeUnmount(() => {
    const others = new Map(shown.value)
    others.delete(owner)
    shown.value = others
  })
}

/** Of each table with rows. */
export const TABLE_KEYS: readonly KeyHelp[] = [
  [['↑', '↓', 'Page Up', 'Page Down', 'Home', 'End'], 'through the list, opening'],
  [['Shift', '↑ ↓'], 'select further rows'],
  [['Ctrl', 'Space'], 'select or leave out this row'],
  [['Shift', 'F10'], 'the menu of the row'],
]

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type=checkbox]), select, textarea, [contenteditable]')
}
