/** The width of the page in pixels. */

import { readonly, ref } from 'vue'

const width = ref(window.innerWidth)
window.addEventListener('resize', () => {
  width.value = window.innerWidth
})

export const pageWidth = readonly(width)
