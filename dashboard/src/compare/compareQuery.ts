/** What the page compares, as its address names it: `left=JOB:FRAME`, `right=JOB:FRAME:VERSION`. */

import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { Frame } from '@/frames/useFrames'

export interface Side {
  jobId: string
  frame: number
  /** An earlier picture of the frame; empty: the frame as it is. */
  version: string
}

export const MODES = { side: 'Side by side', wipe: 'Wipe', difference: 'Difference' } as const
export type Mode = keyof typeof MODES

export interface Comparison {
  left: Side | undefined
  right: Side | undefined
  mode: Mode
}

const SIDE = /^([0-9a-f-]{36}):(-?\d{1,10})(?::([0-9a-f]{1,16}\.[0-9a-f]{1,16}))?$/i

export function comparisonIn(query: LocationQuery): Comparison {
  const mode = (Object.keys(MODES) as Mode[]).find((each) => each === query.mode) ?? 'side'
  return { left: sideIn(query.left), right: sideIn(query.right), mode }
}

export function queryOf({ left, right, mode }: Comparison): LocationQueryRaw {
  return { ...(left && { left: textOf(left) }), ...(right && { right: textOf(right) }), ...(mode !== 'side' && { mode }) }
}

function sideIn(text: unknown): Side | undefined {
  const [, jobId, frame, version = ''] = SIDE.exec(String(text ?? '')) ?? []
  return jobId === undefined ? undefined : { jobId, frame: Number(frame), version }
}

function textOf({ jobId, frame, version }: Side): string {
  return [jobId, frame, ...(version ? [version] : [])].join(':')
}

/** The first frame that both have rendered; else the first of each. */
export function framesToCompare(left: readonly Frame[], right: readonly Frame[]): [left: number, right: number] {
  const ofRight = new Set(right.filter(({ exists }) => exists).map(({ frame }) => frame))
  const common = left.find(({ exists, frame }) => exists && ofRight.has(frame))?.frame
  return [common ?? firstOf(left), common ?? firstOf(right)]
}

const firstOf = (frames: readonly Frame[]): number => (frames.find(({ exists }) => exists) ?? frames[0])?.frame ?? 1
