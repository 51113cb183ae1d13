/** The selected rows. A click selects one row, Ctrl-click toggles a row, Shift-click selects a range. */

import { shallowRef, type Ref } from 'vue'

export interface Modifiers {
  shiftKey: boolean
  ctrlKey: boolean
  metaKey: boolean
}

export interface Selection {
  selected: Ref<ReadonlySet<string>>
  /** After a click on a row, or a key that moves to it. `order` has the keys of all rows as they are shown. */
  pick: (key: string, order: readonly string[], modifiers: Modifiers) => void
  set: (keys: Iterable<string>) => void
  clear: () => void
}

export function useSelection(): Selection {
  // Shallow: a table asks for each of its rows, again and again, and the set itself never changes.
  const selected = shallowRef<ReadonlySet<string>>(new Set())
  let anchor: string | undefined

  function pick(key: string, order: readonly string[], modifiers: Modifiers): void {
    const isToggle = modifiers.ctrlKey || modifiers.metaKey
    if (modifiers.shiftKey && anchor !== undefined) {
      const between = rangeOf(order, anchor, key)
      selected.value = new Set(isToggle ? [...selected.value, ...between] : between)
      return
    }
    anchor = key
    selected.value = isToggle ? toggled(selected.value, key) : new Set([key])
  }

  function set(keys: Iterable<string>): void {
    selected.value = new Set(keys)
  }

  return { selected, pick, set, clear: () => set([]) }
}

/** Of rows that a filter hides, such as `2 more selected are hidden by the filter`. */
export const hiddenText = (count: number): string =>
  `${count.toLocaleString()} more selected ${count === 1 ? 'is' : 'are'} hidden by the filter`

function toggled(keys: ReadonlySet<string>, key: string): Set<string> {
  const changed = new Set(keys)
  if (!changed.delete(key)) changed.add(key)
  return changed
}

function rangeOf(order: readonly string[], from: string, to: string): string[] {
  const [first, last] = [order.indexOf(from), order.indexOf(to)].sort((a, b) => a - b) as [number, number]
  return order.slice(Math.max(0, first), last + 1)
}

/** The rows with one of these ids. The lists are long, and mostly nothing is selected. */
export function among<Row extends { id: string }>(rows: readonly Row[], ids: ReadonlySet<string>): Row[] {
  return ids.size ? rows.filter(({ id }) => ids.has(id)) : []
}
