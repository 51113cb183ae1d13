/** Light or dark colours: the system's choice, until the user chooses. */

import { computed, ref, watchEffect } from 'vue'

const KEY = 'tablao-theme'
const isMachineDark = window.matchMedia('(prefers-color-scheme: dark)')

const machines = ref(isMachineDark.matches ? 'dark' : 'light')
/** What the user has chosen; null: nothing yet. */
const chosen = ref(window.localStorage.getItem(KEY))

isMachineDark.addEventListener('change', ({ matches }) => (machines.value = matches ? 'dark' : 'light'))

export const theme = computed(() => chosen.value ?? machines.value)

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
  chosen.value = theme.value === 'dark' ? 'light' : 'dark'
  window.localStorage.setItem(KEY, chosen.value)
}
