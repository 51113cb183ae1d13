/** Light or dark colours: the system's choice, until the user chooses. */

import { ref, watchEffect } from 'vue'

const KEY = 'tablao-theme'
const isMachineDark = window.matchMedia('(prefers-color-scheme: dark)')

export const theme = ref(window.localStorage.getItem(KEY) ?? (isMachineDark.matches ? 'dark' : 'light'))

const forced = ref<string>()

watchEffect(() => {
  document.documentElement.dataset.theme = forced.value ?? theme.value
})

/** For a page with colours of its own; returns a function that ends it. */
export function forceTheme(wanted: 'light' | 'dark'): () => void {
  forced.value = wanted
  return () => (forced.value = undefined)
}

export function switchTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark'
  window.localStorage.setItem(KEY, theme.value)
}
