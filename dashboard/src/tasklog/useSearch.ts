/** Searches a log for a text or a regular expression. */

import { computed, onScopeDispose, shallowRef, watch, type ComputedRef } from 'vue'
import { expressionOf, type Hit } from './hits'
import { useLineScan, type LineScan, type Scanner } from './lineScan'
import type { LogText } from './taskLog'
import type { Search } from './searchThread'

export interface LogSearch extends LineScan {
  /** Why nothing is searched, as a sentence; empty if it is. */
  refusal: ComputedRef<string>
}

/** For one batch of lines. A search for a text takes some milliseconds. */
const MOST_MS = 3_000

class TooSlow extends Error {}

export function useSearch(log: LogText, searchedText: () => string, isExpression: () => boolean): LogSearch {
  const text = computed(searchedText)
  const isPattern = computed(isExpression)
  const slow = shallowRef('')
  let thread: Worker | undefined
  let timer: number | undefined

  const wrong = computed(() => (isPattern.value ? whyWrong(text.value) : ''))
  const scanner = computed<Scanner | undefined>(() => {
    const wanted = { text: text.value, isPattern: isPattern.value }
    if (!wanted.text || wrong.value) return undefined
    return (lines, first) => found({ ...wanted, lines, first }).catch((reason: unknown) => {
      if (reason instanceof TooSlow) slow.value = wanted.text
      throw reason
    })
  })

  function found(search: Search): Promise<readonly Hit[]> {
    // An answer that is still awaited is of lines that are not shown any more.
    if (timer !== undefined) stop()
    const asked = (thread ??= new Worker(new URL('./searchThread.ts', import.meta.url), { type: 'module' }))
    return new Promise((resolve, reject) => {
      timer = window.setTimeout(() => {
        stop()
        reject(new TooSlow())
      }, MOST_MS)
      asked.onmessage = ({ data }: MessageEvent<Hit[]>) => {
        endTimer()
        resolve(data)
      }
      asked.postMessage(search)
    })
  }

  function endTimer(): void {
    window.clearTimeout(timer)
    timer = undefined
  }

  /** A thread cannot be interrupted, only ended. */
  function stop(): void {
    endTimer()
    thread?.terminate()
    thread = undefined
  }

  // A search that is not wanted any more would delay the next one.
  watch(scanner, () => {
    stop()
    slow.value = ''
  }, { flush: 'sync' })
  onScopeDispose(stop)
  const refusal = computed(() => wrong.value || (slow.value ? 'This expression takes too long for this log.' : ''))
  return { ...useLineScan(log, () => scanner.value), refusal }
}

function whyWrong(text: string): string {
  try {
    expressionOf(text, true)
    return ''
  } catch (reason) {
    // Browsers say the expression first, and then why it is wrong.
    const why = reason instanceof Error ? reason.message.split(': ').at(-1) : ''
    return `This is no regular expression: ${why}.`
  }
}
