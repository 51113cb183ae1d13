/** Which events of the manager this browser shows, and in which words. Pure. */

import type { Kind, Scope } from './words'

/** What the user of this browser wants to be told. */
export interface Wish {
  isOn: boolean
  kinds: readonly Kind[]
  scope: Extract<Scope, 'all' | 'mine' | 'project'>
  project: string
}

interface Fact {
  name: string
  text?: string
  job_id?: string
  worker_id?: string
  project?: string
  owner?: string
}

/** One event of the topic `/notifications`. */
export interface Told {
  id: number
  kind: Kind
  items: readonly Fact[]
}

export interface Shown {
  title: string
  body: string
  /** Where a click leads in the dashboard. */
  to: string
}

const ONE_AND_MANY: Record<Kind, [one: string, many: string]> = {
  'job-done': ['NAME is completed', 'jobs are completed'],
  'job-failed': ['NAME failed', 'jobs failed'],
  'job-stuck': ['NAME has a stuck task', 'tasks are stuck'],
  'job-waits': ['NAME cannot go on', 'jobs cannot go on'],
  'worker-aside': ['Worker NAME is set aside', 'workers are set aside'],
  'worker-lost': ['Worker NAME is lost', 'workers are lost'],
  'worker-waits': ['Worker NAME waits to be let in', 'workers wait to be let in'],
  'webhook-disabled': ['Webhook NAME was disabled', 'webhooks were disabled'],
}
const MOST_NAMED = 5

function isWanted(fact: Fact, wish: Wish, myId: string): boolean {
  if (wish.scope === 'mine') return Boolean(myId) && fact.owner === myId
  if (wish.scope === 'project') return Boolean(wish.project) && fact.project === wish.project
  return true
}

/** What is shown of some events: one notification for each kind. */
export function shownOf(told: readonly Told[], wish: Wish, myId: string): Shown[] {
  const byKind = new Map<Kind, Fact[]>()
  for (const { kind, items } of told) {
    const wanted = wish.kinds.includes(kind) ? items.filter((fact) => isWanted(fact, wish, myId)) : []
    if (wanted.length) byKind.set(kind, [...(byKind.get(kind) ?? []), ...wanted])
  }
  return [...byKind].map(([kind, facts]) => shown(kind, facts))
}

function shown(kind: Kind, facts: readonly Fact[]): Shown {
  const [one, many] = ONE_AND_MANY[kind]
  const [first] = facts
  if (facts.length === 1 && first) {
    return { title: one.replace('NAME', () => first.name), body: first.text ?? '', to: placeOf(first) }
  }
  const names = facts.slice(0, MOST_NAMED).map(({ name }) => name)
  const more = facts.length > MOST_NAMED ? [`and ${facts.length - MOST_NAMED} more`] : []
  return { title: `${facts.length.toLocaleString('en')} ${many}`, body: [...names, ...more].join('\n'), to: kind.startsWith('worker') ? '/workers' : '/jobs' }
}

function placeOf({ job_id: job, worker_id: worker }: Fact): string {
  if (job) return `/jobs/${job}`
  return worker ? `/workers/${worker}` : '/settings/notifications'
}
