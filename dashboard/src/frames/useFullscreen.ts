/** Whether an element fills the screen. */

import { onScopeDispose, ref, type Ref } from 'vue'
import { complain } from '@/shared/notices'

export interface Fullscreen {
  isFullscreen: Ref<boolean>
  toggleFullscreen: () => void
}

export function useFullscreen(element: Ref<HTMLElement | undefined>): Fullscreen {
  const isFullscreen = ref(false)

  function changed(): void {
    isFullscreen.value = document.fullscreenElement !== null && document.fullscreenElement === element.value
  }

  function toggleFullscreen(): void {
    const asking = isFullscreen.value ? document.exitFullscreen() : element.value?.requestFullscreen()
    asking?.catch(() => complain('The browser does not let this page fill the screen.'))
  }

  document.addEventListener('fullscreenchange', changed)
  onScopeDispose(() => document.removeEventListener('fullscreenchange', changed))
  return { isFullscreen, toggleFullscreen }
}
