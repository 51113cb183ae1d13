/** Draws tasks as cells on a canvas: ten thousand in a few milliseconds. */

import type { TaskStatus, TaskSummary } from '@/api/client'
import { RESTING, TASK_LOOK } from '@/shared/statuses'
import { STATUS_ORDER } from '@/tasks/taskColumns'

export interface Layout {
  columns: number
  rows: number
  /** The size of a cell with its gap, in pixels. */
  cell: number
}

const SMALLEST = 5
const LARGEST = 24
const HEIGHT = 190
/** From quick to slow. They differ in lightness, too. */
const HEAT = ['#3b4a9c', '#2f7f9e', '#35a27c', '#9ac24a', '#f3d13c'] as const

export function layoutOf(count: number, width: number): Layout {
  const fitting = Math.floor(Math.sqrt((width * HEIGHT) / Math.max(1, count)))
  const cell = Math.min(LARGEST, Math.max(SMALLEST, fitting))
  const columns = Math.max(1, Math.floor(width / cell))
  return { cell, columns, rows: Math.ceil(count / columns) }
}

function heatScale(seconds: Iterable<number>): (of: number) => string {
  const known = [...seconds].sort((a, b) => a - b)
  const low = Math.log(Math.max(0.05, known[0] ?? 1))
  const high = Math.log(Math.max(0.05, known.at(-1) ?? 1))
  return (of) => {
    const share = high > low ? (Math.log(Math.max(0.05, of)) - low) / (high - low) : 0
    return HEAT[Math.min(HEAT.length - 1, Math.round(share * (HEAT.length - 1)))] ?? HEAT[0]
  }
}

export const HEAT_GRADIENT = `linear-gradient(to right, ${HEAT.join(', ')})`

export function paint(
  canvas: HTMLCanvasElement, tasks: readonly TaskSummary[], layout: Layout, times: ReadonlyMap<number, number> | undefined,
): void {
  const context = canvas.getContext('2d')
  if (!context) return
  const { cell, columns } = layout
  const ratio = window.devicePixelRatio || 1
  canvas.width = columns * cell * ratio
  canvas.height = Math.max(1, layout.rows) * cell * ratio
  context.scale(ratio, ratio)
  const style = getComputedStyle(canvas)
  const colours = statusColours(style)
  const heat = times && heatScale(times.values())
  const unknown = style.getPropertyValue('--line')
  tasks.forEach((task, place) => {
    const seconds = times?.get(task.index_in_job)
    context.fillStyle = heat ? (seconds === undefined ? unknown : heat(seconds)) : colours[task.status]
    const x = (place % columns) * cell
    const y = Math.floor(place / columns) * cell
    context.globalAlpha = !heat && RESTING.has(task.status) ? 0.35 : 1
    context.fillRect(x, y, cell - 1, cell - 1)
    if (!heat && cell >= 12) mark(context, task.status, x, y, cell - 1, style.getPropertyValue('--surface'))
  })
}

/** A failed task has a mark, because some people cannot tell its colour. */
function mark(context: CanvasRenderingContext2D, status: TaskStatus, x: number, y: number, size: number, colour: string): void {
  if (status !== 'failed' && status !== 'soft-failed') return
  context.strokeStyle = colour
  context.lineWidth = 1.5
  context.beginPath()
  context.moveTo(x + size * 0.3, y + size * 0.3)
  context.lineTo(x + size * 0.7, y + size * 0.7)
  if (status === 'failed') {
    context.moveTo(x + size * 0.7, y + size * 0.3)
    context.lineTo(x + size * 0.3, y + size * 0.7)
  }
  context.stroke()
}

function statusColours(style: CSSStyleDeclaration): Record<TaskStatus, string> {
  const entries = STATUS_ORDER.map((status) => [status, style.getPropertyValue(`--${TASK_LOOK[status].color}`)] as const)
  return Object.fromEntries(entries) as Record<TaskStatus, string>
}
