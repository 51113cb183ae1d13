/** Words about versions. */

import type { Schemas } from '@/api/client'
import type { Payload } from '@/api/events'
import { countText } from '@/shared/bulkAction'

export type Versions = Schemas['Versions']
export type Standing = Versions['workers'][number]['standing']
export type VersionedWorker = Versions['workers'][number]['workers'][number]

/** Null: as it should be. */
export const STANDING_BADGE: Record<Standing, string | null> = {
  older: 'older than the manager',
  newer: 'newer than the manager',
  unknown: 'not known',
  same: null,
  flamenco: null,
}

/** What the list of workers below says, in a sentence. */
export function summaryOf(groups: Versions['workers']): string {
  const all = count(groups)
  if (!all) return 'There are no workers yet.'
  const told = (['older', 'newer'] as const)
    .map((standing) => ({ standing, number: count(groups.filter((group) => group.standing === standing)) }))
    .filter(({ number }) => number)
    .map(({ standing, number }) => `${number.toLocaleString()} ${number === 1 ? 'is' : 'are'} ${standing}`)
  if (told.length) return `Of ${countText(all, 'worker')}, ${told.join(' and ')} than the manager.`
  return groups.every(({ standing }) => standing === 'same') ? `${all === 1 ? 'The worker has' : `All ${countText(all, 'worker')} have`} the manager’s version.` : ''
}

export function databaseText({ kind, migration, newest_migration: newest }: Versions['database']): string {
  const text = `${kind}, migration ${migration}`
  return migration > newest ? `${text}, by a newer manager; this one knows ${newest}` : text
}

/** What is known of an upgrade; empty if there is none. */
export function upgradeText(upgrade: VersionedWorker['upgrade']): string {
  if (!upgrade) return ''
  if (upgrade.state === 'failed') return `the upgrade to ${upgrade.version} failed. ${upgrade.reason}`
  return upgrade.state === 'fetching' ? `fetches version ${upgrade.version}…` : `installs version ${upgrade.version}…`
}

/** Whether a worker's event tells more than is shown, or may: workers change for many other reasons, and its upgrade is not in the event. */
export function isNews(payload: Payload, versions: Versions | undefined): boolean {
  const group = versions?.workers.find(({ workers }) => workers.some(({ id }) => id === payload.id))
  const shown = group?.workers.find(({ id }) => id === payload.id)
  if (payload.deleted_at || !group || !shown) return Boolean(shown) || !payload.deleted_at
  const isSameVersion = String(payload.version).replace(/^Tablao /, '') === group.version.replace(/^Flamenco /, '')
  if (shown.upgrade || (group.standing === 'older' && shown.can_upgrade)) return true
  return !isSameVersion || shown.name !== payload.name || shown.status !== payload.status
}

function count(groups: Versions['workers']): number {
  return groups.reduce((sum, { workers }) => sum + workers.length, 0)
}
