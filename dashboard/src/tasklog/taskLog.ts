/** The log of one try of a task: its stored lines, and new ones while it is shown. */

import { onScopeDispose, ref, shallowRef, triggerRef, watch, type Ref } from 'vue'
import { addressOf } from '@/api/address'
import { fetchedText } from '@/api/client'
import { connection, onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'
import { plain, withoutOverlap } from './logText'

/** Older lines are only in the file, because a page with all lines would grow too large. */
const MOST_LINES = 200_000
/** For so long after a fetch, the text of an event may already be in the fetched log. */
const OVERLAP_MS = 3_000
const OVERLAP_CHARACTERS = 20_000

export interface LogText {
  lines: Readonly<Ref<readonly string[]>>
  /** The number of lines before them that are only in the file. */
  omitted: Readonly<Ref<number>>
  /** Grows when the lines are other ones, and not only more. */
  generation: Readonly<Ref<number>>
  isLoading: Readonly<Ref<boolean>>
}

export function logUrl(taskId: string, attempt: number): string {
  return addressOf(`/api/tablao/v1/tasks/${taskId}/log/${attempt}`)
}

/** Nothing is shown while the attempt is undefined. */
export function useTaskLog(taskId: () => string, attempt: () => number | undefined): LogText {
  const lines = shallowRef<string[]>([])
  const isLoading = ref(true)
  const omitted = ref(0)
  const generation = ref(0)
  let told: string[] | undefined
  let end = ''
  let fetchedAt = 0
  let isFlushDue = false
  let request = 0

  async function load(): Promise<void> {
    const ours = ++request
    const wanted = attempt()
    if (wanted === undefined) return show('')
    told = []
    isLoading.value = true
    try {
      const text = await fetchedText(logUrl(taskId(), wanted))
      if (ours === request) show(text)
    } catch (reason) {
      if (ours === request) complain(reason)
    }
  }

  function show(text: string): void {
    lines.value = ['']
    omitted.value = 0
    generation.value++
    end = text.slice(-OVERLAP_CHARACTERS)
    add(text)
    fetchedAt = performance.now()
    const meanwhile = told?.join('') ?? ''
    told = undefined
    if (meanwhile) heard(meanwhile)
    isLoading.value = false
    triggerRef(lines)
  }

  function heard(text: string): void {
    if (told) return void told.push(text)
    const isFresh = performance.now() - fetchedAt > OVERLAP_MS
    const added = isFresh ? text : withoutOverlap(end, text)
    if (!isFresh) end = (end + added).slice(-OVERLAP_CHARACTERS)
    add(added)
    flushSoon()
  }

  /** The text may continue the last line. */
  function add(text: string): void {
    const [first = '', ...more] = plain(text).split('\n')
    const all = lines.value
    all[all.length - 1] = (all.at(-1) ?? '') + first
    for (const line of more) all.push(line)
    if (all.length > MOST_LINES) omitted.value += all.splice(0, all.length - MOST_LINES).length
  }

  function flushSoon(): void {
    if (isFlushDue) return
    isFlushDue = true
    window.requestAnimationFrame(() => {
      isFlushDue = false
      triggerRef(lines)
    })
  }

  onScopeDispose(onMissed(() => void load()))
  watch([taskId, attempt], ([id, shown], _, onCleanup) => {
    onCleanup(onEvent(`/tasklog/${id}`, ({ payload }) => {
      if (payload.attempt === shown) heard(String(payload.log))
    }))
    lines.value = ['']
    void load()
  }, { immediate: true })
  // These events are not stored: text that was added while the page was disconnected is only in the file.
  watch(connection.isConnected, (isConnected) => isConnected && void load())
  return { lines, omitted, generation, isLoading }
}
