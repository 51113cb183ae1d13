/** Texts about workers: status, requested status, last contact. */

import { ago } from '@/shared/ago'
import { WORKER_LOOK, type Look } from '@/shared/statuses'
import type { FarmWorker } from './workerStore'

/** Flamenco's status, with `awake` divided into working, idle, set aside and paused. */
export type Kind = 'working' | 'idle' | 'aside' | 'paused' | 'asleep' | 'error' | 'offline' | 'between'

const BETWEEN: Look = { label: 'other', icon: 'dots', color: 'queued' }

export const KIND_LOOK: Record<Kind, Look> = {
  working: { label: 'working', icon: 'play', color: 'active' },
  idle: { label: 'idle', icon: 'check', color: 'completed' },
  aside: { label: 'set aside', icon: WORKER_LOOK.error.icon, color: 'soft-failed' },
  paused: { label: 'paused', icon: 'pause', color: 'paused' },
  asleep: WORKER_LOOK.asleep,
  error: WORKER_LOOK.error,
  offline: WORKER_LOOK.offline,
  between: BETWEEN,
}

export const KINDS = Object.keys(KIND_LOOK) as Kind[]

export function kindOf(worker: FarmWorker): Kind {
  const { status } = worker
  if (status === 'asleep' || status === 'error' || status === 'offline') return status
  if (status !== 'awake') return 'between'
  if (worker.tasks.length) return 'working'
  if (worker.set_aside.length) return 'aside'
  return worker.is_paused ? 'paused' : 'idle'
}

type Aside = FarmWorker['set_aside'][number]

/** Such as `disk full`. */
const causeText = ({ cause }: Aside): string => cause.replaceAll('-', ' ')

/** Such as `working → asleep, after its task`. */
export const stateOf = (worker: FarmWorker): string => told(worker, causeText)

/** The state, with the whole sentences of why the worker is set aside. */
export const stateInFull = (worker: FarmWorker): string => told(worker, ({ reason }) => reason)

function told(worker: FarmWorker, why: (aside: Aside) => string): string {
  const kind = kindOf(worker)
  const now = kind === 'between' ? WORKER_LOOK[worker.status].label : KIND_LOOK[kind].label
  const change = worker.status_change
  if (change) {
    const when = change.is_lazy && worker.tasks.length ? ', after its task' : ''
    return `${now} → ${WORKER_LOOK[change.status].label}${when}`
  }
  if (kind === 'aside') {
    const whys = worker.set_aside.map((aside) => (aside.task_types.length ? `no ${aside.task_types.join(', ')}: ` : '') + why(aside))
    return `${now}: ${whys.join(' · ')}`
  }
  return worker.is_paused && kind === 'working' ? `${now} → paused, after its task` : now
}

export function lookOf(worker: FarmWorker): Look {
  const kind = kindOf(worker)
  return { ...(kind === 'between' ? WORKER_LOOK[worker.status] : KIND_LOOK[kind]), label: stateInFull(worker) }
}

export function lastSeen(worker: FarmWorker): string {
  if (worker.is_connected) return 'connected'
  return worker.last_seen ? ago(worker.last_seen) : 'never'
}

/** For sorting: a connected worker is the one seen last. */
export function lastSeenMs(worker: FarmWorker): number {
  if (worker.is_connected) return Number.MAX_SAFE_INTEGER
  return worker.last_seen ? Date.parse(worker.last_seen) : 0
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** `3.1 GB`; a kB is 1000 bytes. */
export function bytes(size: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, size)) / 3)))
  return `${(size / 1_000 ** power).toFixed(power > 2 ? 1 : 0)} ${UNITS[power]}`
}

interface MissingProgram {
  text: string
  reason: string
}

/** The programs that a worker's host did not find, such as `no Blender`. */
export function missingPrograms(worker: FarmWorker): MissingProgram[] {
  return worker.set_aside
    .filter(({ cause }) => cause === 'program-missing')
    .flatMap(({ task_types: types, reason }) => types.map((type) => ({ text: `no ${type === 'blender' ? 'Blender' : type}`, reason })))
}
