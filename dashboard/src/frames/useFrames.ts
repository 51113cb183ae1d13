/** The frames of a job, kept current while it renders. */

import { onScopeDispose, ref, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export type Frame = Schemas['Frame']
export type FrameSequence = Schemas['FrameSequence']

const SHORTEST_PAUSE_MS = 2_000
/** So a list of ten thousand frames is fetched at most every twenty seconds. */
const PAUSE_PER_FRAME_MS = 2

export function useFrames(jobId: () => string): Ref<FrameSequence | undefined> {
  const sequence = ref<FrameSequence>()
  let timer: number | undefined
  let request = 0

  async function load(): Promise<void> {
    const ours = ++request
    const path = { job_id: jobId() }
    try {
      const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/frames', { params: { path } }))
      if (ours === request) sequence.value = found
    } catch (reason) {
      if (ours === request) complain(reason)
    }
  }

  function loadSoon(): void {
    const pause = Math.max(SHORTEST_PAUSE_MS, PAUSE_PER_FRAME_MS * (sequence.value?.frames.length ?? 0))
    timer ??= window.setTimeout(() => {
      timer = undefined
      void load()
    }, pause)
  }

  function stop(): void {
    request++
    window.clearTimeout(timer)
    timer = undefined
  }

  watch(jobId, (id, _before, onCleanup) => {
    sequence.value = undefined
    // A topic below the job's tells its new images, which most frames have; a task's end tells the others.
    onCleanup(onEvent(`/jobs/${id}`, loadSoon))
    onCleanup(stop)
    void load()
  }, { immediate: true })
  onScopeDispose(onMissed(loadSoon))
  return sequence
}
