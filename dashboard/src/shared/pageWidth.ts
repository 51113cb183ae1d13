/** The width of the page in pixels, and whether it is a phone's. */

import { computed, readonly, ref } from 'vue'

/** As in the styles. */
const PHONE_PX = 640

const width = ref(window.innerWidth)
window.addEventListener('resize', () => {
  width.value = window.innerWidth
})

export const pageWidth = readonly(width)
export const isPhone = computed(() => width.value <= PHONE_PX)
