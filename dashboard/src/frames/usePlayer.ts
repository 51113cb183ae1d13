/** Plays a sequence of frames. It keeps time, but waits for a frame that is not loaded. */

import { computed, onScopeDispose, ref, watch, type Ref } from 'vue'
import type { Loaded } from './frameImages'

/** So many frames are fetched ahead. */
const AHEAD = 8

interface Playing {
  length: () => number
  fps: () => number
  /** The state of the frame at a place. A call starts to fetch the frame. */
  state: (place: number) => Loaded
}

export interface Player {
  place: Ref<number>
  isPlaying: Ref<boolean>
  /** It plays, and waits for a frame. */
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
    // After a long wait the clock starts again: the player does not hurry to catch up.
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
