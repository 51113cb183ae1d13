/**
 * One job: its row in the list of jobs, with the fields that events do not tell. Those are fetched
 * alone, and again when the job's status or number of steps changes. A job that is not in the list,
 * because the list is still being fetched or the job is archived, is what was fetched alone.
 */

import { computed, shallowRef, watch, type Ref } from 'vue'
import { answered, api, Refusal, type Job } from '@/api/client'
import { useJobs, withProject } from '@/jobs/jobStore'

interface OneJob {
  job: Readonly<Ref<Job | undefined>>
  isGone: Readonly<Ref<boolean>>
}

/** Asked for while the page that shows it is still being loaded. */
let begun: { id: string; answer: Promise<Job> } | undefined

export function beginJob(id: string): void {
  const answer = fetchJob(id)
  answer.catch(() => undefined)
  begun = { id, answer }
}

function fetchJob(id: string): Promise<Job> {
  return answered(api.GET('/api/tablao/v1/jobs/{job_id}', { params: { path: { job_id: id } } }))
}

function takeBegun(id: string): Promise<Job> | undefined {
  const answer = begun?.id === id ? begun.answer : undefined
  begun = undefined
  return answer
}

export function useJob(jobId: () => string): OneJob {
  const { rows: jobs, isLoaded } = useJobs()
  const alone = shallowRef<Job>()
  const isGone = shallowRef(false)
  const listed = computed(() => jobs.value.get(jobId()))

  async function fetchAlone(id: string): Promise<void> {
    try {
      const found = await (takeBegun(id) ?? fetchJob(id))
      if (id === jobId()) alone.value = found
    } catch (reason) {
      isGone.value = id === jobId() && reason instanceof Refusal && reason.isNotFound
    }
  }

  watch(jobId, () => {
    alone.value = undefined
    isGone.value = false
  })
  watch([jobId, isLoaded, () => listed.value?.status, () => listed.value?.steps_total], ([id]) => {
    if (!isAsListed(alone.value, listed.value)) void fetchAlone(id)
  }, { immediate: true })
  return { job: computed(() => merged(listed.value, alone.value)), isGone }
}

function isAsListed(alone: Job | undefined, listed: Job | undefined): boolean {
  if (!alone || !listed) return alone !== undefined
  return alone.status === listed.status && alone.steps_total === listed.steps_total
}

function merged(listed: Job | undefined, alone: Job | undefined): Job | undefined {
  if (!listed || !alone) return listed ?? alone
  return { ...listed, activity: alone.activity, settings: alone.settings, metadata: withProject(alone.metadata, listed.metadata.project ?? '') }
}
