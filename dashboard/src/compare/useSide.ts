/** The picture of one side of the comparison, and what else could be chosen for it. */

import { computed, effectScope, onScopeDispose, shallowRef, watch, type ComputedRef, type EffectScope, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { useFrames, type FrameSequence } from '@/frames/useFrames'
import type { Side } from './compareQuery'

export type FrameVersion = Schemas['FrameVersion']

export interface ShownSide {
  sequence: Readonly<Ref<FrameSequence | undefined>>
  versions: Readonly<Ref<readonly FrameVersion[]>>
  /** The address of the picture; undefined if there is none. */
  url: ComputedRef<string | undefined>
  /** Why there is none, as a sentence; empty if there is one, or it is not known yet. */
  lack: ComputedRef<string>
}

const WIDTH = 1920

export const keyOf = ({ url }: FrameVersion): string => url.split('/').at(-1) ?? ''

export function useSide(side: () => Side | undefined): ShownSide {
  const sequence = shallowRef<FrameSequence>()
  const versions = shallowRef<readonly FrameVersion[]>([])
  let scope: EffectScope | undefined

  watch(() => side()?.jobId, (jobId) => {
    scope?.stop()
    sequence.value = undefined
    if (!jobId) return
    scope = effectScope(true)
    scope.run(() => {
      const found = useFrames(() => jobId)
      watch(found, (now) => (sequence.value = now), { immediate: true })
    })
  }, { immediate: true })
  onScopeDispose(() => scope?.stop())

  const frame = computed(() => sequence.value?.frames.find(({ frame: number }) => number === side()?.frame))

  async function loadVersions(jobId: string, number: number): Promise<void> {
    const params = { path: { job_id: jobId, frame: number } }
    const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/frames/{frame}/versions', { params }))
    if (side()?.jobId === jobId && side()?.frame === number) versions.value = found.versions
  }

  // The address of a frame changes when it is rendered again: then it has one version more.
  watch(() => frame.value?.url, (url) => {
    const now = side()
    versions.value = []
    if (url && now) void loadVersions(now.jobId, now.frame).catch(() => undefined)
  }, { immediate: true })

  const version = computed(() => versions.value.find((each) => keyOf(each) === side()?.version))
  const url = computed(() => {
    if (side()?.version) return version.value?.url
    return frame.value?.url ? `${frame.value.url}&width=${WIDTH}` : undefined
  })
  const lack = computed(() => {
    const now = side()
    if (!now) return 'Choose a job and a frame.'
    if (!sequence.value || url.value) return ''
    if (!frame.value) return sequence.value.note || `The job has no frame ${now.frame}.`
    return now.version ? 'This earlier picture is not kept any more.' : `Frame ${now.frame} is not rendered.`
  })
  return { sequence, versions, url, lack }
}
