/** The only live connection: what happens on the farm, each event once and in order. */

import { readonly, ref } from 'vue'

export type Payload = Readonly<Record<string, unknown>>

export interface FarmEvent {
  id: number | null
  topic: string
  payload: Payload
}

type Listener = (event: FarmEvent) => void

/** What every page is told. Logs and machines are told of only while somebody looks at one. */
const ALWAYS = ['/jobs', '/workers', '/workertags', '/status', '/last-rendered', '/lifecycle', '/views']
const ON_REQUEST = /^\/tasklog(\/|$)|^\/workers\/[^/]+\/statistics$/
const MOST_WISHES = 1_000
const FIRST_PAUSE_MS = 300
const LONGEST_PAUSE_MS = 10_000

const isConnected = ref(false)
const wasConnected = ref(false)
const listeners = new Map<Listener, string>()
const refetches = new Set<() => void>()
let newest: number | null = null
let open: WebSocket | undefined
let wished = '[]'
let isWishDue = false
let pauseMs = FIRST_PAUSE_MS

export const connection = {
  isConnected: readonly(isConnected),
  /** Whether there ever was one: before that, the page is only loading. */
  wasConnected: readonly(wasConnected),
}

/** Hears what has this topic or one below it; returns how to stop. `''` hears everything. */
export function onEvent(topic: string, listener: Listener): () => void {
  listeners.set(listener, topic)
  wishSoon()
  return () => {
    listeners.delete(listener)
    wishSoon()
  }
}

/** Is called when events were missed for good, and everything must be fetched anew. */
export function onMissed(refetch: () => void): () => void {
  refetches.add(refetch)
  return () => refetches.delete(refetch)
}

export function connect(): void {
  const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws'
  const since = newest === null ? '' : `&since=${newest}`
  const socket = new WebSocket(`${scheme}://${window.location.host}/api/tablao/v1/events?topics=${ALWAYS.join()}${since}`)
  socket.onopen = () => opened(socket)
  socket.onmessage = ({ data }) => heard(JSON.parse(String(data)) as FarmEvent)
  socket.onclose = () => {
    open = undefined
    isConnected.value = false
    window.setTimeout(connect, pauseMs)
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
  }
}

function opened(socket: WebSocket): void {
  open = socket
  wished = '[]'
  wish()
  // Without an id to resume from, what happened while we were away is not told.
  const isResumed = newest !== null || !wasConnected.value
  isConnected.value = true
  wasConnected.value = true
  pauseMs = FIRST_PAUSE_MS
  if (!isResumed) fetchAnew()
}

/** Once for all that begin or end to listen together. */
function wishSoon(): void {
  if (isWishDue) return
  isWishDue = true
  queueMicrotask(wish)
}

function wish(): void {
  isWishDue = false
  const topics = [...new Set(listeners.values())].filter((topic) => ON_REQUEST.test(topic)).sort()
  const wishes = JSON.stringify(topics.slice(0, MOST_WISHES))
  if (!open || wishes === wished) return
  wished = wishes
  open.send(`{"also": ${wishes}}`)
}

function heard(event: FarmEvent): void {
  if (event.id !== null) newest = event.id
  if (event.topic === '/missed') return fetchAnew()
  for (const [listener, topic] of listeners) {
    if (isBelow(event.topic, topic)) listener(event)
  }
}

function isBelow(topic: string, wanted: string): boolean {
  return topic === wanted || wanted === '' || topic.startsWith(`${wanted}/`)
}

function fetchAnew(): void {
  for (const refetch of refetches) refetch()
}
