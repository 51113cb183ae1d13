/** Which frame is looked at, and playing: in time, but never past what has not arrived. */

import { computed, onScopeDispose, ref, watch, type Ref } from 'vue'
import type { Loaded } from './frameImages'

/** So many frames are fetched before they are due. */
const AHEAD = 8

interface Playing {
  length: () => number
  fps: () => number
  /** Of the frame in this place; asking begins to fetch it. */
  state: (place: number) => Loaded
}

export interface Player {
  place: Ref<number>
  isPlaying: Ref<boolean>
  /** Playing, and waiting for a frame. */
  isWaiting: Ref<boolean>
  isLoop: Ref<boolean>
  toggle: () => void
  seek: (place: number) => void
  step: (by: number) => void
}

export function usePlayer({ length, fps, state }: Playing): Player {
  const wanted = ref(0)
  const place = computed(() => Math.max(0, Math.min(wanted.value, length() - 1)))
  const isPlaying = ref(false)
  const isWaiting = ref(false)
  const isLoop = ref(true)
  let due = 0
  let request = 0

  function next(from: number): number | undefined {
    if (from + 1 < length()) return from + 1
    return isLoop.value && length() > 1 ? 0 : undefined
  }

  function tick(now: number): void {
    request = window.requestAnimationFrame(tick)
    if (now < due) return
    const following = next(place.value)
    if (following === undefined) {
      isPlaying.value = false
      return
    }
    fetchAhead(following)
    isWaiting.value = state(following) === 'loading'
    if (isWaiting.value) return
    wanted.value = following
    // After a long wait the clock begins anew: nothing is made up for.
    due = now - due > 1000 / fps() ? now + 1000 / fps() : due + 1000 / fps()
  }

  function fetchAhead(from: number): void {
    for (let ahead = 1; ahead < Math.min(AHEAD, length()); ahead++) state((from + ahead) % length())
  }

  watch(isPlaying, (plays) => {
    window.cancelAnimationFrame(request)
    isWaiting.value = false
    if (!plays) return
    due = window.performance.now()
    request = window.requestAnimationFrame(tick)
  }, { flush: 'sync' })
  onScopeDispose(() => window.cancelAnimationFrame(request))

  function toggle(): void {
    if (!isPlaying.value && !isLoop.value && place.value === length() - 1) wanted.value = 0
    isPlaying.value = !isPlaying.value && length() > 1
  }

  function seek(to: number): void {
    isPlaying.value = false
    wanted.value = Math.max(0, Math.min(to, length() - 1))
  }

  return { place, isPlaying, isWaiting, isLoop, toggle, seek, step: (by) => seek(place.value + by) }
}
