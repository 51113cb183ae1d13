/** Archived jobs: fetched when they are looked at, and when one joins or leaves them. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export type ArchivedJob = Schemas['ArchivedJob']

export function useArchive(isLookedAt: () => boolean): Readonly<Ref<readonly ArchivedJob[]>> {
  const jobs = shallowRef<readonly ArchivedJob[]>([])

  async function fetchArchive(): Promise<void> {
    if (!isLookedAt()) return
    try {
      jobs.value = (await answered(api.GET('/api/tablao/v1/archived-jobs'))).jobs
    } catch (reason) {
      complain(reason)
    }
  }

  onScopeDispose(onMissed(() => void fetchArchive()))
  onScopeDispose(
    onEvent('/jobs', ({ payload }) => {
      if (payload.archived_at || payload.was_deleted) void fetchArchive()
    }),
  )
  watch(isLookedAt, () => void fetchArchive(), { immediate: true })
  return jobs
}
