/** Lines of a graph as SVG paths. A time without reports is a gap. */

import type { Point } from './machine'

/** Hosts report every 15 seconds. Two reports may be missing; after more, there is a gap. */
const GAP_MS = 45_000

export interface Frame {
  width: number
  height: number
  fromMs: number
  toMs: number
}

export function pathOf(points: readonly Point[], key: string, frame: Frame): string {
  let previousMs = -Infinity
  const parts: string[] = []
  for (const { atMs, percents } of points) {
    const percent = percents[key]
    if (percent === undefined || percent === null || atMs < frame.fromMs) continue
    const x = (frame.width * (atMs - frame.fromMs)) / (frame.toMs - frame.fromMs)
    const y = frame.height * (1 - percent / 100)
    parts.push(`${atMs - previousMs > GAP_MS ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`)
    previousMs = atMs
  }
  return parts.join('')
}

/** The point that is nearest to a moment; undefined in a gap. */
export function nearest(points: readonly Point[], atMs: number): Point | undefined {
  let best: Point | undefined
  for (const point of points) {
    if (!best || Math.abs(point.atMs - atMs) < Math.abs(best.atMs - atMs)) best = point
  }
  return best && Math.abs(best.atMs - atMs) <= GAP_MS ? best : undefined
}
