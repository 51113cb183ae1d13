/** The menu of a list's rows: of the selected ones, if it was opened on one of them, else of that row. */

import { computed, shallowRef, type ComputedRef, type Ref } from 'vue'
import { among } from './selection'
import type { MenuPlace } from './verbs'

interface RowMenu<Row> {
  /** The rows that the menu is about, as they are now. */
  rows: ComputedRef<readonly Row[]>
  open: (row: Row, place: MenuPlace) => void
}

interface Opened {
  open: (place: MenuPlace) => unknown
}

export function useRowMenu<Row extends { id: string }>(
  menu: Readonly<Ref<Opened | undefined>>, all: () => readonly Row[], selected: () => ReadonlySet<string>,
): RowMenu<Row> {
  const ids = shallowRef<ReadonlySet<string>>(new Set())

  function open(row: Row, place: MenuPlace): void {
    ids.value = selected().has(row.id) ? new Set(selected()) : new Set([row.id])
    void menu.value?.open(place)
  }

  return { rows: computed(() => among(all(), ids.value)), open }
}
