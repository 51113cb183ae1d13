/** Requeues the open job: its unfinished tasks, the failed ones, or with other settings. */

import { ref, type Ref } from 'vue'
import { answered, api, type Job, type Schemas } from '@/api/client'
import { complain, say } from '@/shared/notices'
import { againText, type Way } from './requeueTexts'

/** What becomes of the frames that are there. */
type FramesOnRequeue = 'keep' | 'render-again'

interface JobActing {
  isBusy: Readonly<Ref<boolean>>
  /** The actions that the manager would take now. */
  fetchPossible: () => Promise<Schemas['PossibleActions']>
  requeue: (way: Way, frames: FramesOnRequeue) => Promise<boolean>
  /** Requeues the job with other settings. */
  recompile: (settings: Record<string, unknown>) => Promise<boolean>
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

  const at = (): { path: { job_id: string } } => ({ path: { job_id: job().id } })

  const fetchPossible: JobActing['fetchPossible'] = () =>
    answered(api.GET('/api/tablao/v1/jobs/{job_id}/actions', { params: at() }))

  function requeue({ action, count }: Way, frames: FramesOnRequeue): Promise<boolean> {
    const { name } = job()
    const body = { action, frames, reason: 'Asked for in the dashboard' }
    return trying(async () => {
      await answered(api.POST('/api/tablao/v1/jobs/{job_id}/actions', { params: at(), body }))
      say(`${name} was requeued: ${againText(count)}`)
    })
  }

  function recompile(settings: Record<string, unknown>): Promise<boolean> {
    const { name } = job()
    return trying(async () => {
      const { tasks, kept } = await answered(api.POST('/api/tablao/v1/jobs/{job_id}/recompile', { params: at(), body: { settings } }))
      say(`${name} was compiled again: ${kept} of ${tasks} tasks were kept`)
    })
  }

  return { isBusy, fetchPossible, requeue, recompile }
}
