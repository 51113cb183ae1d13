/** The columns that the user has chosen for a list, kept in the browser. A saved view has them, too. */

import { readonly, shallowRef, type Ref } from 'vue'
import type { ViewPage } from './savedViews'

const PARAMETER = 'cols'

export interface ColumnChoice {
  /** The keys of the shown columns, in their order; undefined: as far as there is room. */
  chosen: Readonly<Ref<readonly string[] | undefined>>
  choose: (keys: readonly string[] | undefined) => void
}

const choices = new Map<ViewPage, ColumnChoice>()

export function useColumnChoice(page: ViewPage): ColumnChoice {
  const known = choices.get(page) ?? made(`tablao-columns-${page}`)
  choices.set(page, known)
  return known
}

function made(place: string): ColumnChoice {
  const chosen = shallowRef(split(window.localStorage.getItem(place) ?? ''))
  function choose(keys: readonly string[] | undefined): void {
    chosen.value = keys?.length ? keys : undefined
    if (chosen.value) window.localStorage.setItem(place, chosen.value.join())
    else window.localStorage.removeItem(place)
  }
  return { chosen: readonly(chosen), choose }
}

/** The query of a page with the columns, as a saved view keeps it. */
export function withColumns(query: string, chosen: readonly string[] | undefined): string {
  return [query, chosen && `${PARAMETER}=${chosen.join()}`].filter(Boolean).join('&')
}

/** Takes the columns out of a saved view's query; undefined: it has none. */
export function columnsIn(query: string): { query: string; columns: readonly string[] | undefined } {
  const parts = query.split('&')
  const ours = parts.find((part) => part.startsWith(`${PARAMETER}=`))
  return { query: parts.filter((part) => part !== ours).join('&'), columns: split(ours?.slice(PARAMETER.length + 1) ?? '') }
}

function split(text: string): readonly string[] | undefined {
  const keys = text.split(',').filter(Boolean)
  return keys.length ? keys : undefined
}
