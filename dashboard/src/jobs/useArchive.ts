/** The archived jobs. They are fetched when the page shows them, and when a job is archived or deleted. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export type ArchivedJob = Schemas['ArchivedJob']

export function useArchive(isShown: () => boolean): Readonly<Ref<readonly ArchivedJob[]>> {
  const jobs = shallowRef<readonly ArchivedJob[]>([])

  async function fetchArchive(): Promise<void> {
    if (!isShown()) return
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
  watch(isShown, () => void fetchArchive(), { immediate: true })
  return jobs
}
