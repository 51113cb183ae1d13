/** Requeues the open job: all tasks, the failed ones, or with other settings. */

import { ref, type Ref } from 'vue'
import { answered, api, type Job } from '@/api/client'
import { complain, say } from '@/shared/notices'
import { JOB_ACTIONS } from '@/shared/statuses'

export type Requeueing = 'requeue' | 'requeue-failed'
/** What becomes of the frames that are there. */
type FramesOnRequeue = 'keep' | 'render-again'

const DONE: Record<Requeueing, string> = { 'requeue': 'was requeued', 'requeue-failed': 'tries its failed tasks again' }

interface JobActing {
  isBusy: Readonly<Ref<boolean>>
  act: (action: Requeueing, frames: FramesOnRequeue) => Promise<boolean>
  /** Requeues the job with other settings. */
  recompile: (settings: Record<string, unknown>) => Promise<boolean>
}

export function canAct(job: Job, action: Requeueing): boolean {
  return JOB_ACTIONS[job.status].includes(action)
}

export function useJobAction(job: () => Job): JobActing {
  const isBusy = ref(false)

  /** False if it was refused; the page shows the reason. */
  async function trying(what: () => Promise<void>): Promise<boolean> {
    isBusy.value = true
    try {
      await what()
      return true
    } catch (reason) {
      complain(reason)
      return false
    } finally {
      isBusy.value = false
    }
  }

  function act(action: Requeueing, frames: FramesOnRequeue): Promise<boolean> {
    const { id, name } = job()
    const params = { path: { job_id: id } }
    const body = { action, frames, reason: 'Asked for in the dashboard' }
    return trying(async () => {
      await answered(api.POST('/api/tablao/v1/jobs/{job_id}/actions', { params, body }))
      say(`${name} ${DONE[action]}`)
    })
  }

  function recompile(settings: Record<string, unknown>): Promise<boolean> {
    const { id, name } = job()
    const params = { path: { job_id: id } }
    return trying(async () => {
      const { tasks, kept } = await answered(api.POST('/api/tablao/v1/jobs/{job_id}/recompile', { params, body: { settings } }))
      say(`${name} was compiled again: ${kept} of ${tasks} tasks were kept`)
    })
  }

  return { isBusy, act, recompile }
}
