/**
 * One job: its row in the list of jobs, with the fields that events do not tell. Those are fetched
 * again when the job's status or number of steps changes. A job that is not in the list, because it
 * is archived, is fetched alone.
 */

import { computed, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Job } from '@/api/client'
import { useJobs, withProject } from '@/jobs/jobStore'

interface OneJob {
  job: Readonly<Ref<Job | undefined>>
  isGone: Readonly<Ref<boolean>>
}

export function useJob(jobId: () => string): OneJob {
  const { rows: jobs, isLoaded } = useJobs()
  const alone = shallowRef<Job>()
  const isGone = shallowRef(false)
  const listed = computed(() => jobs.value.get(jobId()))

  async function fetchAlone(id: string): Promise<void> {
    const params = { path: { job_id: id } }
    try {
      const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}', { params }))
      if (id === jobId()) alone.value = found
    } catch {
      isGone.value = id === jobId()
    }
  }

  watch(jobId, () => {
    alone.value = undefined
    isGone.value = false
  })
  watch([jobId, isLoaded, () => listed.value?.status, () => listed.value?.steps_total], ([id, areThere]) => {
    if (areThere) void fetchAlone(id)
  }, { immediate: true })
  return { job: computed(() => merged(listed.value, alone.value)), isGone }
}

function merged(listed: Job | undefined, alone: Job | undefined): Job | undefined {
  if (!listed || !alone) return listed ?? alone
  return { ...listed, activity: alone.activity, settings: alone.settings, metadata: withProject(alone.metadata, listed.metadata.project ?? '') }
}
