/** Light or dark colours: the system's choice, until the user chooses. */

import { ref, watchEffect } from 'vue'

const KEY = 'tablao-theme'
const isMachineDark = window.matchMedia('(prefers-color-scheme: dark)')

export const theme = ref(window.localStorage.getItem(KEY) ?? (isMachineDark.matches ? 'dark' : 'light'))

watchEffect(() => {
  document.documentElement.dataset.theme = theme.value
})

export function switchTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark'
  window.localStorage.setItem(KEY, theme.value)
}
