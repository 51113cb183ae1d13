/** Rows that are fetched as a list and kept current by events. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { onEvent, onMissed, type Payload } from '@/api/events'
import { firstPageDrawn } from './firstPage'
import { complain } from './notices'

export interface LiveSource<Row> {
  /** The topic of the events about rows. When it changes, the collection starts over. */
  topic: () => string
  fetchAll: () => Promise<readonly Row[]>
  /** Fetches the first rows of a list, which are shown until the whole list is there; undefined where they are not wanted. */
  fetchFirst?: () => Promise<FirstRows<Row> | undefined>
  /** Fetches a row that an event names and the list lacks. Without it, such an event is ignored. */
  fetchOne?: (id: string) => Promise<Row>
  /** The row as it is after the event. */
  changed: (row: Row, payload: Payload) => Row
  /** Whether the event says that its row is gone. */
  isGone?: (payload: Payload) => boolean
  /** Fields that only some events have; a later event without them leaves them as they are. */
  seldomTold?: readonly string[]
  /** Events tell only a part of a row, so a row is fetched again after its event. */
  isPartlyTold?: boolean
}

type Rows<Row> = ReadonlyMap<string, Row>

/** The beginning of a list that is still being fetched. */
export interface FirstRows<Row> {
  rows: readonly Row[]
  /** How many rows the whole list has. */
  total: number
}

export interface LiveCollection<Row> {
  /** By id, in the order of the list; rows that joined later come first. */
  rows: Readonly<Ref<Rows<Row>>>
  /** The rows when the list was last fetched: they do not change with each event. */
  fetched: Readonly<Ref<Rows<Row>>>
  /** Whether `rows` are all rows. */
  isLoaded: Readonly<Ref<boolean>>
  /** The first rows, kept current, from when they are there until all are there. They are not in `rows`. */
  first: Readonly<Ref<FirstRows<Row> | undefined>>
  /** Why the list could not be fetched the last time; empty if it was. It is fetched again after a while. */
  failure: Readonly<Ref<string>>
  refetch: () => Promise<void>
}

/** The newest event of each row, by the row's id. */
type NewestEvents = Map<string, Payload>

/** More rows than this are not fetched one by one, but with the whole list. */
const FETCHED_ONE_BY_ONE = 10
/** Where each event needs a fetch, ids are gathered for so long. */
const GATHERED_MS = 400
const HIDDEN_PAGE_MS = 1_000
const RETRY_MS = 5_000
/** Filtering and sorting so many rows takes a good part of a frame. */
const MANY_ROWS = 1_000
const PAUSE_OF_MANY_MS = 100

/** Starts at once. Needs an effect scope, and ends with it. */
export function useLiveCollection<Row extends { id: string }>(source: LiveSource<Row>): LiveCollection<Row> {
  const collection = new Collection(source)
  watch(source.topic, (topic, _before, onCleanup) => {
    onCleanup(onEvent(topic, (event) => event.topic === topic && collection.heard(event.payload)))
    collection.startOver()
  }, { immediate: true })
  onScopeDispose(onMissed(() => void collection.refetch()))
  onScopeDispose(() => collection.stop())
  return collection
}

class Collection<Row extends { id: string }> implements LiveCollection<Row> {
  readonly rows = shallowRef<Rows<Row>>(new Map())
  readonly fetched = shallowRef<Rows<Row>>(new Map())
  readonly isLoaded = shallowRef(false)
  readonly first = shallowRef<FirstRows<Row>>()
  readonly failure = shallowRef('')
  /** Events since the last flush. */
  readonly #waiting: NewestEvents = new Map()
  /** For each request under way, the events since it was sent. */
  readonly #sinceSent = new Set<NewestEvents>()
  readonly #toFetch = new Set<string>()
  #flushedAtMs = 0
  #isFlushDue = false
  #isFetchDue = false
  #isListBeingFetched = false
  #isListStale = false
  #retryTimer: number | undefined

  constructor(private readonly source: LiveSource<Row>) {}

  startOver(): void {
    this.rows.value = this.fetched.value = new Map()
    this.isLoaded.value = false
    this.first.value = undefined
    this.failure.value = ''
    this.#waiting.clear()
    this.#toFetch.clear()
    void this.refetch()
  }

  stop(): void {
    window.clearTimeout(this.#retryTimer)
  }

  async refetch(): Promise<void> {
    this.stop()
    this.#isListStale = true
    if (this.#isListBeingFetched) return
    this.#isListBeingFetched = true
    while (this.#isListStale) {
      this.#isListStale = false
      await this.#fetchList().catch((reason: unknown) => this.#failed(reason))
    }
    this.#isListBeingFetched = false
  }

  async #fetchList(): Promise<void> {
    if (this.source.fetchFirst && !this.isLoaded.value && !this.first.value) {
      await this.#ask(this.source.fetchFirst, (found, newest) => found && this.#takeFirst(found, newest))
      // Where they are all rows, or the topic has changed meanwhile.
      if (this.isLoaded.value || this.#isListStale) return
      if (this.first.value) await firstPageDrawn()
    }
    await this.#ask(this.source.fetchAll, (found, newest) => this.#takeList(found, newest))
  }

  /** Says why once, and tries again. */
  #failed(reason: unknown): void {
    if (!this.failure.value) complain(reason)
    this.failure.value = reason instanceof Error ? reason.message : String(reason)
    this.#retryTimer = window.setTimeout(() => void this.refetch(), RETRY_MS)
  }

  heard(payload: Payload): void {
    const id = String(payload.id)
    for (const newest of this.#sinceSent) this.#note(newest, id, payload)
    // Before any rows are there, their request keeps the events.
    if (!this.isLoaded.value && !this.first.value) return
    this.#note(this.#waiting, id, payload)
    this.#flushSoon()
  }

  #note(events: NewestEvents, id: string, payload: Payload): void {
    const older = Object.entries(events.get(id) ?? {}).filter(([field]) => this.source.seldomTold?.includes(field))
    events.set(id, { ...Object.fromEntries(older), ...payload })
  }

  /** The page changes once for all events of a frame. */
  #flushSoon(): void {
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    const pauseMs = pauseBeforeFlush(this.rows.value.size, performance.now() - this.#flushedAtMs)
    if (pauseMs > 0) window.setTimeout(() => this.#flush(), pauseMs)
    else window.requestAnimationFrame(() => this.#flush())
  }

  #flush(): void {
    this.#isFlushDue = false
    this.#flushedAtMs = performance.now()
    if (this.first.value) this.first.value = this.#laidOverFirst(this.first.value, this.#waiting)
    else {
      const rows = new Map(this.rows.value)
      this.#layOver(rows, this.#waiting)
      this.rows.value = rows
    }
    this.#waiting.clear()
  }

  /** Rows that events name and that are not among the first ones come with the whole list. */
  #laidOverFirst({ rows, total }: FirstRows<Row>, events: NewestEvents): FirstRows<Row> {
    const left = rows.filter(({ id }) => !(events.has(id) && this.source.isGone?.(events.get(id)!)))
    const now = left.map((row) => (events.has(row.id) ? this.source.changed(row, events.get(row.id)!) : row))
    return { rows: now, total: total - (rows.length - left.length) }
  }

  #layOver(rows: Map<string, Row>, events: NewestEvents): void {
    for (const [id, payload] of events) {
      const known = rows.get(id)
      if (this.source.isGone?.(payload)) {
        rows.delete(id)
      } else {
        if (known) rows.set(id, this.source.changed(known, payload))
        if (!known || this.source.isPartlyTold) this.#fetchSoon(id)
      }
    }
  }

  /** The answer may be older than events that came after the request: `take` gets both. */
  async #ask<Answer>(request: () => Promise<Answer>, take: (answer: Answer, newest: NewestEvents) => void): Promise<void> {
    const topic = this.source.topic()
    const newest: NewestEvents = new Map()
    this.#sinceSent.add(newest)
    try {
      const answer = await request()
      if (topic === this.source.topic()) take(answer, newest)
    } finally {
      this.#sinceSent.delete(newest)
    }
  }

  #takeFirst(found: FirstRows<Row>, newest: NewestEvents): void {
    if (found.rows.length >= found.total) this.#takeList(found.rows, newest)
    else this.first.value = this.#laidOverFirst(found, newest)
  }

  #takeList(found: readonly Row[], newest: NewestEvents): void {
    const rows = new Map(found.map((row) => [row.id, row]))
    // The list has what older events told.
    this.#waiting.clear()
    this.#toFetch.clear()
    this.#layOver(rows, newest)
    this.rows.value = this.fetched.value = rows
    this.first.value = undefined
    this.isLoaded.value = true
    this.failure.value = ''
  }

  #fetchSoon(id: string): void {
    if (!this.source.fetchOne) return
    this.#toFetch.add(id)
    if (this.#isFetchDue) return
    this.#isFetchDue = true
    window.setTimeout(() => void this.#fetchGathered(), this.source.isPartlyTold ? GATHERED_MS : 0)
  }

  async #fetchGathered(): Promise<void> {
    this.#isFetchDue = false
    if (this.#toFetch.size > FETCHED_ONE_BY_ONE) return this.refetch()
    const ids = [...this.#toFetch]
    this.#toFetch.clear()
    await Promise.all(ids.map((id) => this.#ask(() => this.#rowOf(id), (row, newest) => this.#takeRow(row, newest))))
  }

  /** Undefined if the row was deleted meanwhile. */
  #rowOf(id: string): Promise<Row | undefined> {
    return this.source.fetchOne!(id).catch(() => undefined)
  }

  #takeRow(found: Row | undefined, newest: NewestEvents): void {
    const payload = found && newest.get(found.id)
    if (!found || (payload && this.source.isGone?.(payload))) return
    const row = payload ? this.source.changed(found, payload) : found
    const rows = this.rows.value
    this.rows.value = rows.has(row.id) ? new Map(rows).set(row.id, row) : new Map([[row.id, row], ...rows])
  }
}

/** Milliseconds; 0: at the next frame. A hidden page draws no frames. */
function pauseBeforeFlush(rowCount: number, sinceFlushMs: number): number {
  if (document.hidden) return HIDDEN_PAGE_MS
  return rowCount > MANY_ROWS ? PAUSE_OF_MANY_MS - sinceFlushMs : 0
}
