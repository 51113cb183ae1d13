/** The width of an element, kept current. */

import { onScopeDispose, readonly, ref, watch, type Ref } from 'vue'

export function useElementSize(element: Ref<HTMLElement | undefined>): { width: Readonly<Ref<number>> } {
  const width = ref(0)
  const observer = new ResizeObserver(([entry]) => {
    if (entry) width.value = entry.contentRect.width
  })
  watch(element, (now) => {
    observer.disconnect()
    if (now) observer.observe(now)
  })
  onScopeDispose(() => observer.disconnect())
  return { width: readonly(width) }
}
