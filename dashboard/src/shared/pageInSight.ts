/** Whether the page is in sight: not in a tab behind another one, and not minimised. */

import { readonly, ref } from 'vue'

const isInSight = ref(!document.hidden)
document.addEventListener('visibilitychange', () => (isInSight.value = !document.hidden))

export const isPageInSight = readonly(isInSight)
