/** The time, as often as "3 minutes ago" changes. */

import { onScopeDispose, readonly, ref, type Ref } from 'vue'

const EVERY_MS = 30_000

export function useNow(): Readonly<Ref<number>> {
  const now = ref(Date.now())
  const timer = window.setInterval(() => (now.value = Date.now()), EVERY_MS)
  onScopeDispose(() => window.clearInterval(timer))
  return readonly(now)
}
