/** Short messages of the page: an action that was done, with undo where it is possible, or a refusal. */

import { readonly, ref } from 'vue'

/** A button of a notice that takes back what was done, or a part of it. */
export interface Undo {
  label: string
  run: () => void
}

export interface Notice {
  id: number
  text: string
  isRefusal: boolean
  undo?: Undo
}

const SHOWN_MS = 6_000
/** A refusal takes longer to read. */
const REFUSAL_SHOWN_MS = 20_000

const shown = ref<Notice[]>([])
let count = 0

export const notices = readonly(shown)

export function dismiss(id: number): void {
  shown.value = shown.value.filter((notice) => notice.id !== id)
}

export function say(text: string, undo?: Undo): void {
  add({ id: ++count, text, isRefusal: false, ...(undo && { undo }) })
}

export function complain(reason: unknown): void {
  add({ id: ++count, text: reason instanceof Error ? reason.message : String(reason), isRefusal: true })
}

function add(notice: Notice): void {
  shown.value = [...shown.value.slice(-3), notice]
  window.setTimeout(() => dismiss(notice.id), notice.isRefusal ? REFUSAL_SHOWN_MS : SHOWN_MS)
}
