/** The statistics that hosts report of their machines, as numbers to draw. */

import type { Schemas } from '@/api/client'
import { bytes } from './workerWords'

/** As a host reports it. Each field may be missing or wrong. */
export type Statistics = Readonly<Record<string, unknown>>

/** The measurements at one moment, in percent, by the key of a meter. */
export interface Point {
  atMs: number
  percents: Readonly<Record<string, number | null>>
}

export interface Meter {
  key: string
  label: string
  percent: number
  /** The measurement in other units, or facts about the part. */
  detail: string
  /** A custom property of tokens.css. */
  color: string
}

const COLORS: Record<string, string> = {
  cpu: '--chart-1', memory: '--chart-2', disk: '--chart-3', gpu: '--chart-4', gpumem: '--chart-5',
}

export function colorOf(key: string): string {
  return COLORS[key.replace(/\d+$/, '')] ?? '--chart-3'
}

export function labelOf(key: string, isOnly: boolean): string {
  const number = isOnly ? '' : ` ${Number(/\d+$/.exec(key)?.[0] ?? 0) + 1}`
  if (key.startsWith('gpumem')) return `GPU${number} memory`
  if (key.startsWith('gpu')) return `GPU${number}`
  return { cpu: 'CPU', memory: 'Memory', disk: 'Disk' }[key] ?? key
}

/** The meters for which the host reports values. */
export function metersOf(reported: Statistics): Meter[] {
  const gpus = gpusOf(reported)
  const diskTotal = numberOf(reported.disk_total)
  const diskFree = numberOf(reported.disk_free)
  const diskUsed = diskTotal === null || diskFree === null ? null : diskTotal - diskFree
  const isOnly = gpus.length === 1
  return [
    meter('cpu', numberOf(reported.cpu_percent), 100, cores(reported)),
    ...gpus.flatMap((gpu, index) => [
      meter(`gpu${index}`, numberOf(gpu.percent), 100, cardOf(gpu), isOnly),
      meter(`gpumem${index}`, numberOf(gpu.memory_used), numberOf(gpu.memory_total), undefined, isOnly),
    ]),
    meter('memory', numberOf(reported.memory_used), numberOf(reported.memory_total)),
    meter('disk', diskUsed, diskTotal, diskFree === null ? '' : `${bytes(diskFree)} free`),
  ].filter((each) => each !== undefined)
}

export function pointOf(reported: Statistics, atMs: number): Point {
  return { atMs, percents: Object.fromEntries(metersOf(reported).map(({ key, percent }) => [key, percent])) }
}

export function pointOfSample(sample: Schemas['MachineSample']): Point {
  const percents: Record<string, number | null> = {
    cpu: sample.cpu_percent, memory: sample.memory_percent, disk: sample.disk_percent,
  }
  sample.gpu_percents.forEach((percent, index) => (percents[`gpu${index}`] = percent))
  sample.gpu_memory_percents.forEach((percent, index) => (percents[`gpumem${index}`] = percent))
  return { atMs: Date.parse(sample.at), percents }
}

function meter(
  key: string, part: number | null, whole: number | null, detail?: string, isOnly = true,
): Meter | undefined {
  if (part === null || !whole) return undefined
  const percent = Math.round(Math.min(100, Math.max(0, (100 * part) / whole)))
  const text = detail ?? `${bytes(part)} of ${bytes(whole)}`
  return { key, label: labelOf(key, isOnly), percent, detail: text, color: colorOf(key) }
}

function cores(reported: Statistics): string {
  const count = numberOf(reported.cpu_count)
  const load = numberOf(reported.load)
  const threads = count === null ? '' : `${count} ${count === 1 ? 'thread' : 'threads'}`
  return [threads, load === null ? '' : `load ${load.toFixed(1)}`].filter(Boolean).join(', ')
}

function cardOf(gpu: Statistics): string {
  const celsius = numberOf(gpu.temperature_c)
  return [String(gpu.name ?? ''), celsius === null ? '' : `${celsius} °C`].filter(Boolean).join(', ')
}

function gpusOf(reported: Statistics): Statistics[] {
  if (!Array.isArray(reported.gpus)) return []
  return reported.gpus.filter((gpu): gpu is Statistics => typeof gpu === 'object' && gpu !== null)
}

function numberOf(reported: unknown): number | null {
  return typeof reported === 'number' && Number.isFinite(reported) ? reported : null
}
