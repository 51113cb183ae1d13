/** The versions of the farm's parts, fetched again when a worker or a manager has changed. */

import { onScopeDispose, readonly, ref, shallowRef, type Ref } from 'vue'
import { answered, api } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { isNews, type Versions } from './words'

/** Workers that sign on together are one fetch. */
const GATHERED_MS = 1_000

export function useVersions(): { versions: Readonly<Ref<Versions | undefined>>; failure: Readonly<Ref<string>>; refetch: () => Promise<void> } {
  const versions = shallowRef<Versions>()
  const failure = ref('')
  let timer: number | undefined

  async function refetch(): Promise<void> {
    window.clearTimeout(timer)
    timer = undefined
    try {
      versions.value = await answered(api.GET('/api/tablao/v1/versions'))
      failure.value = ''
    } catch (reason) {
      failure.value = reason instanceof Error ? reason.message : String(reason)
      soon()
    }
  }

  function soon(): void {
    timer ??= window.setTimeout(() => void refetch(), GATHERED_MS)
  }

  onScopeDispose(onEvent('/workers', ({ topic, payload }) => topic === '/workers' && isNews(payload, versions.value) && soon()))
  onScopeDispose(onEvent('/lifecycle', soon))
  onScopeDispose(onMissed(() => void refetch()))
  onScopeDispose(() => window.clearTimeout(timer))
  void refetch()
  return { versions: readonly(versions) as Readonly<Ref<Versions | undefined>>, failure: readonly(failure), refetch }
}
