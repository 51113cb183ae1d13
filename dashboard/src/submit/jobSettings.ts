/** The settings of a job type in a form, and their first values without Blender. */

import type { Schemas } from '@/api/client'

export type JobSetting = Schemas['AvailableJobSetting']
export type JobType = Schemas['AvailableJobType']
export type JobValue = string | number | boolean | null
export type JobValues = Record<string, JobValue>

/** Values that the add-on would read from the scene. */
const SCENE_DEFAULTS: JobValues = {
  fps: 24, format: 'PNG', image_file_extension: '.png', has_previews: false, scene: 'Scene', chunk_size: 1,
}
/** Values to try a job type with. */
const SAMPLES: JobValues = {
  frames: '1-10', blendfile: '{jobs}/sample/scene.blend', render_output_root: '{jobs}/renders', message: 'Hello, farm',
}
const OUTPUT = 'render_output_path'

export function labelOf(setting: Pick<JobSetting, 'key' | 'label'>): string {
  if (setting.label) return setting.label
  return setting.key.replaceAll('_', ' ').replace(/(^| )\w/g, (letter) => letter.toUpperCase())
}

/** Settings that Blender fills in: the form shows them apart, because they are rarely changed. */
export function isForBlender(setting: JobSetting): boolean {
  return setting.visible === 'hidden' || (setting.eval != null && setting.visible === 'web')
}

export function isMissing(setting: JobSetting, value: JobValue | undefined): boolean {
  return !!setting.required && (value === null || value === undefined || value === '')
}

export function beginning(settings: readonly JobSetting[]): JobValues {
  const values = settings.map(({ key, default: fallback, type }): [string, JobValue] => {
    const value = (fallback as JobValue | undefined) ?? SCENE_DEFAULTS[key] ?? (type === 'bool' ? false : null)
    return [key, value]
  })
  return Object.fromEntries(values)
}

export function sample(settings: readonly JobSetting[]): JobValues {
  const values = Object.entries(beginning(settings)).map(([key, value]): [string, JobValue] => {
    const setting = settings.find((one) => one.key === key)
    const needed = setting?.choices?.[0] ?? (setting?.type === 'string' ? 'sample' : 1)
    return [key, value ?? SAMPLES[key] ?? (setting?.required ? needed : null)]
  })
  return withOutput(Object.fromEntries(values), 'Test')
}

/** Adds the output path that the add-on would make of the root and the job's name. */
export function withOutput(values: JobValues, jobName: string): JobValues {
  const root = values.render_output_root
  if (!(OUTPUT in values) || values[OUTPUT] || typeof root !== 'string' || !root) return values
  const folder = jobName.replace(/[<>:"/\\|?*{}#]+/g, '_').trim() || 'job'
  return { ...values, [OUTPUT]: `${root.replace(/[/\\]$/, '')}/${folder}/{timestamp}/######` }
}

/** The values to submit: empty ones are left out. */
export function filled(values: JobValues): Record<string, string | number | boolean> {
  const given = Object.entries(values).filter((entry): entry is [string, string | number | boolean] => entry[1] !== null && entry[1] !== '')
  return Object.fromEntries(given)
}
