/** The archived jobs. They are fetched when the page shows them, and when a job is archived or deleted. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Job, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export type ArchivedJob = Schemas['ArchivedJob'] & Pick<Job, 'task_counts'>

interface Archive {
  jobs: Readonly<Ref<readonly ArchivedJob[]>>
  isLoaded: Readonly<Ref<boolean>>
  /** Why they could not be fetched; empty if they were. */
  failure: Readonly<Ref<string>>
  refetch: () => Promise<void>
}

export function useArchive(isShown: () => boolean): Archive {
  const jobs = shallowRef<readonly ArchivedJob[]>([])
  const isLoaded = shallowRef(false)
  const failure = shallowRef('')

  async function fetchArchive(): Promise<void> {
    if (!isShown()) return
    try {
      const found = (await answered(api.GET('/api/tablao/v1/archived-jobs'))).jobs
      jobs.value = found.map((job) => ({ ...job, task_counts: job.statistics?.tasks }))
      isLoaded.value = true
      failure.value = ''
    } catch (reason) {
      failure.value = reason instanceof Error ? reason.message : String(reason)
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
  return { jobs, isLoaded, failure, refetch: fetchArchive }
}
