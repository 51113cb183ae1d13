/** What can be done with the job that is open; the list does it for many. */

import { ref, type Ref } from 'vue'
import { answered, api, type Job, type Schemas } from '@/api/client'
import { complain, say } from '@/shared/notices'
import { JOB_ACTIONS } from '@/shared/statuses'

type Action = Schemas['JobAction']

const DONE: Record<Action, string> = {
  cancel: 'will be canceled', pause: 'pauses', resume: 'goes on', requeue: 'was requeued', 'requeue-failed': 'tries its failed tasks again',
}
const UNDO: Partial<Record<Action, Action>> = { pause: 'resume', resume: 'pause' }

interface JobActing {
  isBusy: Readonly<Ref<boolean>>
  act: (action: Action) => Promise<boolean>
  /** Requeue with changes. */
  recompile: (settings: Record<string, unknown>) => Promise<boolean>
}

export function canAct(job: Job, action: Action): boolean {
  return JOB_ACTIONS[job.status].includes(action)
}

export function useJobAction(job: () => Job): JobActing {
  const isBusy = ref(false)

  /** Whether it was done; why not, is shown. */
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

  function act(action: Action): Promise<boolean> {
    const { id, name } = job()
    const params = { path: { job_id: id } }
    const asked = (each: Action) => answered(api.POST('/api/tablao/v1/jobs/{job_id}/actions', { params, body: { action: each, reason: 'Asked for in the dashboard' } }))
    return trying(async () => {
      await asked(action)
      const back = UNDO[action]
      say(`${name} ${DONE[action]}`, back && (() => void asked(back).catch(complain)))
    })
  }

  function recompile(settings: Record<string, unknown>): Promise<boolean> {
    const { id, name } = job()
    const params = { path: { job_id: id } }
    return trying(async () => {
      const { tasks, kept } = await answered(api.POST('/api/tablao/v1/jobs/{job_id}/recompile', { params, body: { settings } }))
      say(`${name} was compiled anew: ${kept} of ${tasks} tasks were kept`)
    })
  }

  return { isBusy, act, recompile }
}
