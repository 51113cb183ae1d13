/** The frames of a job that are being rendered, fetched only while the pointer is on the job's progress. */

import { onScopeDispose, shallowRef, type Ref } from 'vue'
import { answered, api, type Job } from '@/api/client'
import type { RenderedNow } from './progress'

const EVERY_MS = 2_000

interface WatchedFrames {
  renderedNow: Readonly<Ref<readonly RenderedNow[]>>
  start: () => void
  stop: () => void
}

export function useRenderedNow(job: () => Job): WatchedFrames {
  const renderedNow = shallowRef<readonly RenderedNow[]>([])
  let timer: number | undefined

  async function fetchNow(): Promise<void> {
    const { id, status } = job()
    if (status !== 'active') return
    const found = await answered(api.GET('/api/tablao/v1/jobs/{job_id}/progress', { params: { path: { job_id: id } } }))
    if (id === job().id) renderedNow.value = found.tasks
  }

  // It is only a hint, so a failed request is not reported.
  const fetchQuietly = (): void => void fetchNow().catch(() => (renderedNow.value = []))
  const start = (): void => {
    stop()
    fetchQuietly()
    timer = window.setInterval(fetchQuietly, EVERY_MS)
  }
  const stop = (): void => {
    window.clearInterval(timer)
    renderedNow.value = []
  }
  onScopeDispose(() => window.clearInterval(timer))
  return { renderedNow, start, stop }
}
