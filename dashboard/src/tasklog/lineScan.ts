/** Looks through the lines of a log, a batch at a time, and through those that are added later. */

import { computed, shallowRef, triggerRef, watch, type ComputedRef, type Ref } from 'vue'
import type { Hit } from './hits'
import type { LogText } from './taskLog'

/** Finds something in lines; `first` is the number of the first of them. */
export type Scanner = (lines: readonly string[], first: number) => Promise<readonly Hit[]>

export interface LineScan {
  /** In ascending order. */
  hits: Readonly<Ref<readonly Hit[]>>
  /** The numbers of their lines. */
  places: ComputedRef<readonly number[]>
  isBusy: Readonly<Ref<boolean>>
  /** There are more hits than are kept. */
  isCut: Readonly<Ref<boolean>>
}

/** So many lines take a few milliseconds. */
const BATCH = 10_000
export const MOST_HITS = 50_000

/** Starts over with each change of the scanner; without one nothing is found. A scanner that fails ends the scan. */
export function useLineScan(log: LogText, scanner: () => Scanner | undefined): LineScan {
  const hits = shallowRef<Hit[]>([])
  const isBusy = shallowRef(false)
  const isCut = shallowRef(false)
  let run = 0
  let hasFailed = false
  /** The number of the line to begin with, and what was seen of it: the last line may grow. */
  let next = 1
  let seenOfNext = -1

  function isDue(): boolean {
    const last = log.omitted.value + log.lines.value.length
    return next < last || (next === last && seenOfNext !== (log.lines.value.at(-1)?.length ?? 0))
  }

  async function scanOn(scan: Scanner, ours: number): Promise<void> {
    isBusy.value = true
    while (ours === run && !isCut.value && isDue()) {
      const first = Math.max(next, log.omitted.value + 1)
      const start = first - log.omitted.value - 1
      const batch = log.lines.value.slice(start, start + BATCH)
      const found = await scan(batch, first)
      if (ours !== run) return
      take(found, first)
      next = first + batch.length - 1
      seenOfNext = batch.at(-1)?.length ?? -1
    }
    isBusy.value = false
  }

  function take(found: readonly Hit[], first: number): void {
    const all = hits.value
    while (all.length && all.at(-1)!.line >= first) all.pop()
    all.push(...found.slice(0, MOST_HITS - all.length))
    isCut.value = all.length >= MOST_HITS
    triggerRef(hits)
  }

  function go(scan: Scanner | undefined): void {
    if (!scan || isBusy.value || hasFailed) return
    const ours = run
    void scanOn(scan, ours).catch(() => {
      if (ours === run) isBusy.value = !(hasFailed = true)
    })
  }

  watch([scanner, log.generation], ([scan]) => {
    run++
    hits.value = []
    isBusy.value = isCut.value = hasFailed = false
    next = 1
    seenOfNext = -1
    go(scan)
  }, { immediate: true })
  watch(log.lines, () => go(scanner()))
  return { hits, places: computed(() => hits.value.map(({ line }) => line)), isBusy, isCut }
}
