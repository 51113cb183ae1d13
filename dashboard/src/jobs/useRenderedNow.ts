/** The frames of a job that are being rendered, asked for only while somebody looks. */

import { onScopeDispose, shallowRef, type Ref } from 'vue'
import { answered, api, type Job } from '@/api/client'
import type { RenderedNow } from './progress'

const EVERY_MS = 2_000

interface Looking {
  renderedNow: Readonly<Ref<readonly RenderedNow[]>>
  look: () => void
  lookAway: () => void
}

export function useRenderedNow(job: () => Job): Looking {
  const renderedNow = shallowRef<readonly RenderedNow[]>([])
  let timer: number | undefined

  async function ask(): Promise<void> {
    const { id, status } = job()
    if (status !== 'active') return
    const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/progress', { params: { path: { job_id: id } } }))
    if (id === job().id) renderedNow.value = found.tasks
  }

  // What is only a hint is left out when it cannot be had.
  const askQuietly = (): void => void ask().catch(() => (renderedNow.value = []))
  const look = (): void => {
    lookAway()
    askQuietly()
    timer = window.setInterval(askQuietly, EVERY_MS)
  }
  const lookAway = (): void => {
    window.clearInterval(timer)
    renderedNow.value = []
  }
  onScopeDispose(() => window.clearInterval(timer))
  return { renderedNow, look, lookAway }
}
