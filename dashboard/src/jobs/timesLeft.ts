/** How long the active jobs still take and how many workers are at them, as the manager says. It is asked again while jobs are active, after something happened. */

import { computed, onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Job, type Schemas } from '@/api/client'
import { onEvent } from '@/api/events'
import { sharedByPage } from '@/shared/sharedByPage'
import { useJobs } from './jobStore'

type TimeLeft = Pick<Schemas['JobTimeLeft'], 'earliest_s' | 'latest_s'>
/** By the job's id; jobs of which it is not known are left out. */
export type TimesLeft = ReadonlyMap<string, TimeLeft>
/** How many slots of workers are at each job; jobs without any are left out. */
export type WorkersAt = ReadonlyMap<string, number>

interface Pace {
  times: Readonly<Ref<TimesLeft>>
  workers: Readonly<Ref<WorkersAt>>
}

const EVERY_MS = 4_000
/** Without any event, time passes for the tasks at work. */
const AT_MOST_MS = 60_000
const UNITS = [[1, 's', 100], [60, 'min', 100 * 60], [3_600, 'h', 48 * 3_600], [86_400, 'days', Infinity]] as const

const usePace = sharedByPage((): Pace => {
  const { rows } = useJobs()
  const times = shallowRef<TimesLeft>(new Map())
  const workers = shallowRef<WorkersAt>(new Map())
  const isAnyActive = computed(() => [...rows.value.values()].some(({ status }) => status === 'active'))

  let isStale = true
  let askedAtMs = 0

  const isPassing = (): boolean => workers.value.size > 0 && performance.now() - askedAtMs >= AT_MOST_MS

  async function ask(): Promise<void> {
    if (document.hidden || !(isStale || isPassing())) return
    isStale = false
    askedAtMs = performance.now()
    const found = await answered(api.GET('/api/tablao/v1/time-left'))
    times.value = new Map(found.jobs.map((job) => [job.job_id, job]))
    workers.value = new Map(Object.entries(found.workers))
  }

  function forget(): void {
    isStale = true
    times.value = workers.value = new Map()
  }

  // What cannot be asked is not known; the page says elsewhere that the manager does not answer.
  const askQuietly = (): void => void ask().catch(forget)
  let timer: number | undefined
  watch(isAnyActive, (isAny) => {
    window.clearInterval(timer)
    if (!isAny) return forget()
    askQuietly()
    timer = window.setInterval(askQuietly, EVERY_MS)
  }, { immediate: true })
  for (const topic of ['/jobs', '/workers']) onScopeDispose(onEvent(topic, () => (isStale = true)))
  onScopeDispose(() => window.clearInterval(timer))
  return { times, workers }
})

export const useTimesLeft = (): Pace['times'] => usePace().times
export const useWorkersAt = (): Pace['workers'] => usePace().workers

/** Such as `4–6 min`, or `unknown`; empty for a job that is not active. */
export function timeLeft({ id, status }: Job, times: TimesLeft, unknown = 'not known yet'): string {
  if (status !== 'active') return ''
  const left = times.get(id)
  return left ? rangeText(left) : unknown
}

/** The same where no label says it: `4–6 min left`. */
export function leftText(job: Job, times: TimesLeft, unknown?: string): string {
  const text = timeLeft(job, times, unknown)
  return text && times.has(job.id) ? `${text} left` : text
}

/** The lower end is rounded down and the upper one up, so the range never looks more certain than it is. */
function rangeText({ earliest_s, latest_s }: TimeLeft): string {
  const [size, unit] = UNITS.find(([, , below]) => latest_s < below)!
  const [low, high] = [Math.floor(earliest_s / size), Math.ceil(latest_s / size)]
  if (low <= 0) return `up to ${high} ${unit}`
  return low === high ? `${high} ${unit}` : `${low}–${high} ${unit}`
}
