/** Keeps the screen on while the page is in sight. Browsers do so only over HTTPS, or on the manager's own machine. */

import { onScopeDispose } from 'vue'

export function useWakeLock(): void {
  let lock: WakeLockSentinel | undefined
  let isOver = false

  async function ask(): Promise<void> {
    if (!('wakeLock' in navigator) || document.visibilityState !== 'visible') return
    // The system may refuse, when its battery is low for example.
    const given = await navigator.wakeLock.request('screen').catch(() => undefined)
    if (isOver) void given?.release()
    else lock = given
  }

  const asked = (): void => void ask()
  // The lock is lost when the page is hidden.
  document.addEventListener('visibilitychange', asked)
  onScopeDispose(() => {
    isOver = true
    document.removeEventListener('visibilitychange', asked)
    void lock?.release()
  })
  asked()
}
