/** Provisioned settings, as they are stored and in a form. */

import type { Schemas } from '@/api/client'

export type Provision = Schemas['ProvisionAnswer']
export type Scope = Schemas['ProvisionScope']

export interface ProvisionForm {
  blender: { key: string; value: string }[]
  blender_version: string
  /** Null: not set. Empty: set to no arguments. */
  blender_args: string | null
  ffmpeg: string
  environment: { key: string; value: string }[]
  task_types: string
  slots: number | null
}

type Settings = Record<string, unknown>

type Stored = Partial<{
  blender: Record<string, string | null>
  blender_version: string
  blender_args: string
  ffmpeg: string
  environment: Record<string, string | null>
  task_types: string[]
  slots: number
}>

/** In the form, marks a value of a weaker place that is removed here. */
export const REMOVED = '(none)'

export function toForm(settings: Record<string, unknown>): ProvisionForm {
  const stored = settings as Stored
  return {
    blender: toRows(stored.blender),
    blender_version: stored.blender_version ?? '',
    blender_args: stored.blender_args ?? null,
    ffmpeg: stored.ffmpeg ?? '',
    environment: toRows(stored.environment),
    task_types: (stored.task_types ?? []).join(', '),
    slots: stored.slots ?? null,
  }
}

export function fromForm(form: ProvisionForm): Schemas['ProvisionSettings'] {
  const taskTypes = form.task_types.split(',').map((one) => one.trim()).filter(Boolean)
  return {
    ...(form.blender.length && { blender: fromRows(form.blender) }),
    ...(form.blender_version && { blender_version: form.blender_version }),
    ...(form.blender_args !== null && { blender_args: form.blender_args }),
    ...(form.ffmpeg && { ffmpeg: form.ffmpeg }),
    ...(form.environment.length && { environment: fromRows(form.environment) }),
    ...(taskTypes.length && { task_types: taskTypes }),
    ...(form.slots && { slots: form.slots }),
  }
}

/** `newest` with those settings, and entries of them, that differ between `before` and `after`. */
export function withChanges(newest: Settings, before: Settings, after: Settings): Settings {
  const names = new Set([newest, before, after].flatMap(Object.keys))
  const merged = [...names].map((name) => {
    const [now, was, is] = [newest[name], before[name], after[name]]
    if (JSON.stringify(was) === JSON.stringify(is)) return [name, now]
    return [name, isGroup(is) ? withChanges(groupOf(now), groupOf(was), is) : is]
  })
  return Object.fromEntries(merged.filter(([, value]) => value !== undefined))
}

const isGroup = (value: unknown): value is Settings => typeof value === 'object' && value !== null && !Array.isArray(value)
const groupOf = (value: unknown): Settings => (isGroup(value) ? value : {})

/** The names of the settings that are set, in a line. */
export function summary(settings: Record<string, unknown>): string {
  return Object.keys(settings).map((key) => key.replaceAll('_', ' ')).join(', ') || 'nothing'
}

function toRows(values: Record<string, string | null> | undefined): { key: string; value: string }[] {
  return Object.entries(values ?? {}).map(([key, value]) => ({ key, value: value ?? REMOVED }))
}

function fromRows(rows: readonly { key: string; value: string }[]): Record<string, string | null> {
  const named = rows.filter(({ key }) => key.trim())
  return Object.fromEntries(named.map(({ key, value }) => [key.trim(), value === REMOVED ? null : value]))
}
