/** Figures of the farm's history as texts. */

const CAUSES: Record<string, string> = {
  'other-tag': 'not in the job’s tag',
  'other-types': 'not for this type of task',
  'blocked': 'on the blocklist',
  'offline': 'offline',
  'lost': 'lost',
  'asleep': 'asleep',
  'starting': 'starting',
  'leaving': 'about to sleep or stop',
  'paused': 'paused',
  'set-aside': 'set aside',
  'failed': 'have failed it',
  'gave-back': 'gave it back',
  'resting': 'passed over',
  'not-asking': 'not asking',
  'ending': 'ending a task',
  'busy-here': 'busy with this job',
  'busy-higher': 'busy with higher priority',
  'busy-equal': 'busy with equal priority',
  'busy-lower': 'busy with lower priority',
}

/** Such as `workers asleep: 4, paused: 1`; the most first. */
export function waitingText(waiting: Readonly<Record<string, number>>): string {
  const some = Object.entries(waiting).filter(([, tasks]) => tasks >= 0.05).sort(([, a], [, b]) => b - a)
  return some.length ? `workers ${some.map(([cause, tasks]) => `${CAUSES[cause] ?? cause}: ${numberText(tasks)}`).join(', ')}` : ''
}

/** Small numbers with one place, large ones without. */
export function numberText(value: number): string {
  return value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 })
}

export const percentText = (share: number): string => `${Math.round(100 * share)} %`

/** `< 0.1 h`, `0.4 h`, `36 h`: hours alone, so that the rows of a table can be compared. */
export const hoursText = (seconds: number): string => (seconds > 0 && seconds < 180 ? '< 0.1 h' : `${numberText(seconds / 3600)} h`)

const HOUR = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' })
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' })

export const startText = (iso: string, by: 'hour' | 'day'): string => (by === 'hour' ? HOUR : DAY).format(new Date(iso))
