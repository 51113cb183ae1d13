/** The value of the variable `blender` for each platform: as it is, and changed for some of them. */

import type { Variable, VariableRow } from './variables'

export const BLENDER = 'blender'
export const RENDER_PLATFORMS = ['linux', 'windows', 'darwin'] as const
export type RenderPlatform = (typeof RENDER_PLATFORMS)[number]

/** What workers of the platform get; empty if there is no value. The same order as the manager's. */
export function valueFor(variable: Variable | undefined, platform: string): string {
  const rank = (row: VariableRow): number => 2 * Number(row.platforms.includes(platform)) + Number(row.audience === 'workers')
  const fitting = (variable?.rows ?? []).filter((row) => isForWorkers(row) && [platform, 'all'].some((each) => row.platforms.includes(each)))
  return fitting.reduce<VariableRow | undefined>((best, row) => (best && rank(best) > rank(row) ? best : row), undefined)?.value ?? ''
}

/** The variable with another value for workers of one platform; without one if the value is empty. All other values stay. */
export function withValue(variable: Variable | undefined, platform: string, value: string): Variable {
  const rows = (variable?.rows ?? []).flatMap((row) => (isForWorkers(row) ? without(row, platform) : [row]))
  const changed = value ? [{ value, platforms: [platform], audience: 'all' as const }] : []
  return { isTwoway: false, ...variable, name: BLENDER, isDefault: false, rows: [...rows, ...changed] }
}

function without(row: VariableRow, platform: string): VariableRow[] {
  const platforms = row.platforms.filter((each) => each !== platform)
  return platforms.length ? [{ ...row, platforms }] : []
}

const isForWorkers = ({ audience }: VariableRow): boolean => audience !== 'users'
