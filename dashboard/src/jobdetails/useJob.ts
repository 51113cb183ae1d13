/** One job: as the list of jobs has it, or, of one that is not listed (archived), fetched alone. */

import { computed, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Job } from '@/api/client'
import { useJobs } from '@/jobs/jobStore'

interface OneJob {
  job: Readonly<Ref<Job | undefined>>
  isGone: Readonly<Ref<boolean>>
}

export function useJob(jobId: () => string): OneJob {
  const { jobs, isLoaded } = useJobs()
  const alone = shallowRef<Job>()
  const isGone = shallowRef(false)
  const listed = computed(() => jobs.value.get(jobId()))

  async function fetchAlone(id: string): Promise<void> {
    const params = { path: { job_id: id } }
    try {
      const found = await answered(api.GET('/api/v3/jobs/{job_id}', { params }))
      if (id === jobId()) alone.value = found
    } catch {
      isGone.value = id === jobId()
    }
  }

  watch([jobId, isLoaded, () => listed.value === undefined], ([id, areThere, isUnlisted]) => {
    alone.value = undefined
    isGone.value = false
    if (areThere && isUnlisted) void fetchAlone(id)
  }, { immediate: true })
  return { job: computed(() => listed.value ?? alone.value), isGone }
}
