/** Asks before the user leaves a page with unsaved changes. */

import { onMounted, onUnmounted, type Ref } from 'vue'
import { onBeforeRouteLeave, onBeforeRouteUpdate } from 'vue-router'

interface Asking {
  ask: (question: { title: string; text: string; confirm: string; isDangerous: boolean }) => Promise<boolean>
}

export function useUnsaved(isDirty: () => boolean, dialog: Ref<Asking | undefined>): void {
  async function mayLeave(): Promise<boolean> {
    if (!isDirty() || !dialog.value) return true
    return dialog.value.ask({
      title: 'Leave without saving?',
      text: 'The changes on this page are not saved yet.',
      confirm: 'Leave',
      isDangerous: true,
    })
  }
  function beforeUnload(event: BeforeUnloadEvent): void {
    if (isDirty()) event.preventDefault()
  }
  onBeforeRouteLeave(mayLeave)
  onBeforeRouteUpdate(mayLeave)
  onMounted(() => window.addEventListener('beforeunload', beforeUnload))
  onUnmounted(() => window.removeEventListener('beforeunload', beforeUnload))
}
