/** Roles and permissions in plain words. */

import type { Permission, Role } from './me'

export const ROLE_WORDS: Record<Role, string> = {
  viewer: 'Looks at everything, changes nothing',
  artist: 'Submits jobs, and changes their own',
  wrangler: 'Changes all jobs and workers, and lets workers in',
  admin: 'Changes settings, job types and users, too',
}

export const ROLES = Object.keys(ROLE_WORDS) as Role[]

export const SCOPE_WORDS: Record<Permission, string> = {
  'read': 'Look at jobs, workers, logs and frames',
  'submit': 'Submit jobs, with their files',
  'jobs:own': 'Change the account’s own jobs',
  'jobs:all': 'Change every job',
  'workers': 'Change workers, and let new ones in',
  'temporal': 'Reach Temporal itself',
  'register': 'Register workers that may work at once',
  'admin': 'Change settings, job types and users; see the audit',
}

export const SCOPES = Object.keys(SCOPE_WORDS) as Permission[]

/** How long a token counts, in days; null: until it is removed. */
export const LIFETIMES: readonly { days: number | null; label: string }[] = [
  { days: 7, label: '7 days' },
  { days: 30, label: '30 days' },
  { days: 90, label: '90 days' },
  { days: 365, label: 'one year' },
  { days: null, label: 'until it is removed' },
]

/** What browsers and systems say of themselves; many also say what stands further down. */
const BROWSERS: readonly [token: string, name: string][] = [
  ['Edg/', 'Edge'], ['OPR/', 'Opera'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari'],
]
const SYSTEMS: readonly [token: string, name: string][] = [
  ['Android', 'Android'], ['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Windows', 'Windows'], ['Mac OS X', 'macOS'], ['Linux', 'Linux'],
]

/** Such as `Firefox on Linux`, from what a browser says of itself. */
export function browserOf(agent: string): string {
  const named = (all: typeof BROWSERS): string | undefined => all.find(([token]) => agent.includes(token))?.[1]
  const browser = named(BROWSERS)
  const system = named(SYSTEMS)
  if (!browser) return agent.slice(0, 60) || 'an unknown program'
  return system ? `${browser} on ${system}` : browser
}
