/** Fetches and stores a job's RNA overrides. */

import { onScopeDispose, ref, watch, type Ref } from 'vue'
import { answered, api, Refusal } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export interface Problem {
  line: number
  reason: string
}

interface RnaOverrides {
  /** Undefined until they are fetched. */
  stored: Readonly<Ref<string | undefined>>
  /** Returns why they were not stored; empty if they were. */
  save: (text: string) => Promise<Problem[]>
}

export function useRnaOverrides(jobId: () => string): RnaOverrides {
  const stored = ref<string>()

  async function load(id: string): Promise<void> {
    const params = { path: { job_id: id } }
    const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/rna-overrides', { params }))
    if (id === jobId()) stored.value = found.overrides.join('\n')
  }

  async function save(text: string): Promise<Problem[]> {
    const params = { path: { job_id: jobId() } }
    const overrides = text.trim() ? text.split('\n') : []
    try {
      const kept = await answered(api.PUT('/api/tablao/v1/jobs/{job_id}/rna-overrides', { params, body: { overrides } }))
      stored.value = kept.overrides.join('\n')
      return []
    } catch (reason) {
      const problems = reason instanceof Refusal ? problemsIn(reason.message) : []
      if (!problems.length) throw reason
      return problems
    }
  }

  const reload = (): void => void load(jobId()).catch(complain)
  onScopeDispose(onEvent('/jobs', ({ topic, payload }) => {
    if (topic === '/jobs' && payload.id === jobId() && payload.are_overrides_changed) reload()
  }))
  onScopeDispose(onMissed(reload))
  watch(jobId, () => {
    stored.value = undefined
    reload()
  }, { immediate: true })
  return { stored, save }
}

/** The refusal has a line such as `Line 2: not an assignment` for each problem. */
function problemsIn(message: string): Problem[] {
  return message.split('\n').flatMap((line) => {
    const found = /^Line (\d+): (.*)$/.exec(line)
    return found ? [{ line: Number(found[1]), reason: found[2] ?? '' }] : []
  })
}
