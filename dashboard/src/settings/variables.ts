/** Variables, as the settings file stores them and as the page edits them. */

export type Audience = 'all' | 'workers' | 'users'

export interface VariableRow {
  value: string
  platforms: string[]
  audience: Audience
}

export interface Variable {
  name: string
  isTwoway: boolean
  rows: VariableRow[]
  /** Its value is built in, not set in the file. */
  isDefault: boolean
}

interface StoredVariable {
  is_twoway?: boolean
  values?: { value: string; platform?: string; platforms?: string[]; audience?: string }[]
}

export const PLATFORMS = ['linux', 'windows', 'darwin', 'all'] as const

/** The changed, new and removed variables by their dotted names; null removes one from the file. */
export function changedVariables(before: readonly Variable[], after: readonly Variable[]): Record<string, unknown> {
  const [was, is] = [toStored(before), toStored(after)]
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])]
  const changed = names.filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]))
  return Object.fromEntries(changed.map((name) => [`variables.${name}`, is[name] ?? null]))
}

export function fromStored(stored: Record<string, unknown>, isDefault = false): Variable[] {
  return Object.entries(stored as Record<string, StoredVariable>).map(([name, { is_twoway, values = [] }]) => ({
    name,
    isTwoway: is_twoway ?? false,
    isDefault,
    rows: values.map(({ value, platform, platforms, audience }) => ({
      value,
      platforms: platforms?.length ? [...platforms] : [platform || 'all'],
      audience: (audience || 'all') as Audience,
    })),
  }))
}

export function toStored(variables: readonly Variable[]): Record<string, StoredVariable> {
  const changed = variables.filter(({ isDefault }) => !isDefault)
  return Object.fromEntries(changed.map(({ name, isTwoway, rows }) => [name, { is_twoway: isTwoway, values: rows.map(storedRow) }]))
}

function storedRow({ value, platforms, audience }: VariableRow): { value: string; audience: string } {
  const [first = 'all'] = platforms
  return { value, audience, ...(platforms.length > 1 ? { platforms } : { platform: first }) }
}

/** The first error in them, as a sentence; empty if there is none. */
export function complaint(variables: readonly Variable[]): string {
  const names = variables.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) return `There are two variables called ${twice}.`
  const odd = names.find((name) => !/^[A-Za-z0-9_-]+$/.test(name))
  if (odd !== undefined) return `A variable needs a name of letters, digits, _ and -; "${odd}" is none.`
  const nowhere = variables.find(({ rows }) => rows.some(({ platforms }) => !platforms.length))
  return nowhere ? `A value of ${nowhere.name} is for no platform.` : ''
}
