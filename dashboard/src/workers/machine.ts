/** What hosts tell of their machines, as numbers that can be drawn. */

import type { Schemas } from '@/api/client'
import { bytes } from './workerWords'

/** As a host tells it; all of it comes from outside and may be missing. */
export type Statistics = Readonly<Record<string, unknown>>

/** At one moment; by the key of a meter, in percent. */
export interface Point {
  atMs: number
  percents: Readonly<Record<string, number | null>>
}

export interface Meter {
  key: string
  label: string
  percent: number
  /** The same in other units. */
  detail: string
  /** A custom property of tokens.css. */
  color: string
}

const COLORS: Record<string, string> = {
  cpu: '--active', memory: '--completed', disk: '--canceled', gpu: '--paused', gpumem: '--soft-failed',
}

export function colorOf(key: string): string {
  return COLORS[key.replace(/\d+$/, '')] ?? '--queued'
}

export function labelOf(key: string, isOnly: boolean): string {
  const number = isOnly ? '' : ` ${Number(/\d+$/.exec(key)?.[0] ?? 0) + 1}`
  if (key.startsWith('gpumem')) return `GPU${number} memory`
  if (key.startsWith('gpu')) return `GPU${number}`
  return { cpu: 'CPU', memory: 'Memory', disk: 'Disk' }[key] ?? key
}

/** Those of which the host tells. */
export function metersOf(told: Statistics): Meter[] {
  const gpus = gpusOf(told)
  const diskTotal = numberOf(told.disk_total)
  const diskFree = numberOf(told.disk_free)
  const diskUsed = diskTotal === null || diskFree === null ? null : diskTotal - diskFree
  const isOnly = gpus.length === 1
  return [
    meter('cpu', numberOf(told.cpu_percent), 100, cores(told)),
    ...gpus.flatMap((gpu, index) => [
      meter(`gpu${index}`, numberOf(gpu.percent), 100, cardOf(gpu), isOnly),
      meter(`gpumem${index}`, numberOf(gpu.memory_used), numberOf(gpu.memory_total), undefined, isOnly),
    ]),
    meter('memory', numberOf(told.memory_used), numberOf(told.memory_total)),
    meter('disk', diskUsed, diskTotal, diskFree === null ? '' : `${bytes(diskFree)} free`),
  ].filter((each) => each !== undefined)
}

export function pointOf(told: Statistics, atMs: number): Point {
  return { atMs, percents: Object.fromEntries(metersOf(told).map(({ key, percent }) => [key, percent])) }
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

function cores(told: Statistics): string {
  const count = numberOf(told.cpu_count)
  const load = numberOf(told.load)
  const threads = count === null ? '' : `${count} ${count === 1 ? 'thread' : 'threads'}`
  return [threads, load === null ? '' : `load ${load.toFixed(1)}`].filter(Boolean).join(', ')
}

function cardOf(gpu: Statistics): string {
  const celsius = numberOf(gpu.temperature_c)
  return [String(gpu.name ?? ''), celsius === null ? '' : `${celsius} °C`].filter(Boolean).join(', ')
}

function gpusOf(told: Statistics): Statistics[] {
  if (!Array.isArray(told.gpus)) return []
  return told.gpus.filter((gpu): gpu is Statistics => typeof gpu === 'object' && gpu !== null)
}

function numberOf(told: unknown): number | null {
  return typeof told === 'number' && Number.isFinite(told) ? told : null
}
