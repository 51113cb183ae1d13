/** Times such as `5 min ago`, which stay current while they are shown. */

import { ref } from 'vue'

const STEPS: readonly [seconds: number, word: string][] = [[86_400, 'd'], [3_600, 'h'], [60, 'min']]

const now = ref(Date.now())
window.setInterval(() => {
  now.value = Date.now()
}, 10_000)

export function ago(moment: string): string {
  const seconds = (now.value - Date.parse(moment)) / 1_000
  const step = STEPS.find(([size]) => seconds >= size)
  return step ? `${Math.floor(seconds / step[0])} ${step[1]} ago` : 'just now'
}

/** How long ago that was: `5 min`. */
export function elapsed(moment: string): string {
  const text = ago(moment)
  return text.endsWith(' ago') ? text.slice(0, -4) : '< 1 min'
}

const full = new Intl.DateTimeFormat(undefined, {
  year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
})

/** `toLocaleString` looks the language up each time, and each line of a list has some. */
export const inFull = (moment: string): string => full.format(new Date(moment))

const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

export const inShort = (moment: string): string => short.format(new Date(moment))
