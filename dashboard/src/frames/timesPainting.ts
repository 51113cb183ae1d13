/** Draws a mark for each frame's render time on a canvas. */

import type { FrameTime, WorkerMark } from './renderTimes'

/** Room for the marks at the border, in pixels. */
const EDGE = 6

export interface Scale {
  x: (frame: number) => number
  y: (seconds: number) => number
  /** The radius of a mark, in pixels. */
  radius: number
}

export function scaleOf(times: readonly FrameTime[], width: number, height: number): Scale {
  const first = times[0]?.frame ?? 0
  const span = Math.max(1, (times.at(-1)?.frame ?? 0) - first)
  const highest = Math.max(0.001, ...times.map(({ seconds }) => seconds))
  return {
    x: (frame) => EDGE + ((width - 2 * EDGE) * (frame - first)) / span,
    y: (seconds) => height - EDGE - ((height - 2 * EDGE) * seconds) / highest,
    radius: times.length > 1_500 ? 1.5 : times.length > 300 ? 2.5 : 4,
  }
}

/** The place of the nearest frame. */
export function nearest(times: readonly FrameTime[], scale: Scale, x: number, y: number): number | undefined {
  let best: number | undefined
  let least = Infinity
  times.forEach(({ frame, seconds }, place) => {
    const distance = Math.hypot(scale.x(frame) - x, (scale.y(seconds) - y) / 3)
    if (distance < least) [best, least] = [place, distance]
  })
  return best
}

export function paintTimes(
  canvas: HTMLCanvasElement, times: readonly FrameTime[], marks: readonly WorkerMark[], size: { width: number; height: number }, at: number | undefined,
): void {
  const context = canvas.getContext('2d')
  if (!context) return
  const ratio = window.devicePixelRatio || 1
  canvas.width = size.width * ratio
  canvas.height = size.height * ratio
  context.scale(ratio, ratio)
  const style = getComputedStyle(canvas)
  const scale = scaleOf(times, size.width, size.height)
  const looks = new Map(marks.map((mark) => [mark.id, { colour: style.getPropertyValue(mark.color), shape: mark.shape }]))
  times.forEach(({ frame, seconds, workerId }) => {
    const look = looks.get(workerId)
    context.fillStyle = look?.colour ?? style.getPropertyValue('--ink-soft')
    shape(context, look?.shape ?? 'circle', scale.x(frame), scale.y(seconds), scale.radius)
    context.fill()
  })
  const pointed = at === undefined ? undefined : times[at]
  if (!pointed) return
  context.strokeStyle = style.getPropertyValue('--ink')
  context.lineWidth = 2
  context.beginPath()
  context.arc(scale.x(pointed.frame), scale.y(pointed.seconds), scale.radius + 3, 0, 2 * Math.PI)
  context.stroke()
}

function shape(context: CanvasRenderingContext2D, kind: WorkerMark['shape'], x: number, y: number, radius: number): void {
  context.beginPath()
  if (kind === 'circle') context.arc(x, y, radius, 0, 2 * Math.PI)
  else if (kind === 'square') context.rect(x - radius, y - radius, 2 * radius, 2 * radius)
  else {
    const corners = kind === 'diamond' ? [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]] : [[0, -1.3], [1.2, 1], [-1.2, 1]]
    corners.forEach(([dx = 0, dy = 0]) => context.lineTo(x + dx * radius, y + dy * radius))
    context.closePath()
  }
}
