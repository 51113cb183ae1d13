/** A task's log: its stored lines, and new ones while it is shown. */

import { onScopeDispose, ref, shallowRef, triggerRef, watch, type Ref } from 'vue'
import { answered, api, fetchedText } from '@/api/client'
import { connection, onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'
import { plain, withoutOverlap } from './logText'

/** Older lines are only in the file, because a page with all lines would grow too large. */
const MOST_LINES = 200_000
/** For so long after a fetch, the text of an event may already be in the fetched log. */
const OVERLAP_MS = 3_000
const OVERLAP_CHARACTERS = 20_000

export interface TaskLog {
  lines: Readonly<Ref<readonly string[]>>
  /** The address of the whole log as a file; empty if there is none. */
  url: Readonly<Ref<string>>
  isLoading: Readonly<Ref<boolean>>
  /** The number of lines that are only in the file. */
  omitted: Readonly<Ref<number>>
}

export function useTaskLog(taskId: () => string): TaskLog {
  const lines = shallowRef<string[]>([])
  const url = ref('')
  const isLoading = ref(true)
  const omitted = ref(0)
  let told: string[] | undefined
  let end = ''
  let fetchedAt = 0
  let isFlushDue = false

  async function load(): Promise<void> {
    const id = taskId()
    told = []
    isLoading.value = true
    try {
      const text = await read(id)
      if (id === taskId()) show(text)
    } catch (reason) {
      complain(reason)
    }
  }

  async function read(id: string): Promise<string> {
    const params = { path: { task_id: id } }
    const info = await answered(api.GET('/api/v3/tasks/{task_id}/log', { params }))
    if (id === taskId()) url.value = info?.url ?? ''
    return info?.url ? fetchedText(info.url) : ''
  }

  function show(text: string): void {
    lines.value = ['']
    omitted.value = 0
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
    if (!url.value) void read(taskId()).catch(complain)
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
  watch(taskId, (id, _, onCleanup) => {
    // The manager sends the events of no other task's log.
    onCleanup(onEvent(`/tasklog/${id}`, ({ payload }) => heard(String(payload.log))))
    lines.value = ['']
    url.value = ''
    void load()
  }, { immediate: true })
  // These events are not stored: text that was added while the page was disconnected is only in the file.
  watch(connection.isConnected, (isConnected) => isConnected && void load())
  return { lines, url, isLoading, omitted }
}
