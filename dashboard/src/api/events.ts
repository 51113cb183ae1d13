/** The page's only live connection: the farm's events, each once and in order. */

import { readonly, ref } from 'vue'
import { addressOf } from './address'

export type Payload = Readonly<Record<string, unknown>>

export interface FarmEvent {
  id: number | null
  topic: string
  payload: Payload
}

type Listener = (event: FarmEvent) => void

/** Topics that every page gets. Events of logs and machines are requested only while one is shown. */
const ALWAYS = ['/jobs', '/workers', '/workertags', '/status', '/last-rendered', '/lifecycle', '/views', '/comments', '/notifications']
const REQUESTED_ONLY = /^\/tasklog(\/|$)|^\/workers\/[^/]+\/statistics$/
const MOST_REQUESTED = 1_000
const FIRST_PAUSE_MS = 300
const LONGEST_PAUSE_MS = 10_000

const isConnected = ref(false)
const wasConnected = ref(false)
const lostAt = ref<string>()
const listeners = new Map<Listener, string>()
const refetches = new Set<() => void>()
let newest: number | null = null
let open: WebSocket | undefined
let requested = '[]'
let isRequestDue = false
let pauseMs = FIRST_PAUSE_MS

export const connection = {
  isConnected: readonly(isConnected),
  /** False while the page loads, until its first connection. */
  wasConnected: readonly(wasConnected),
  /** When the connection was lost, or could not be made; undefined while it is there. */
  lostAt: readonly(lostAt),
}

/** Listens to a topic and all below it; returns a function that stops. */
export function onEvent(topic: string, listener: Listener): () => void {
  listeners.set(listener, topic)
  requestSoon()
  return () => {
    listeners.delete(listener)
    requestSoon()
  }
}

/** Calls `refetch` when events were missed and cannot be had later; returns a function that stops. */
export function onMissed(refetch: () => void): () => void {
  refetches.add(refetch)
  return () => refetches.delete(refetch)
}

/** Connects, and again after each end of the connection, as long as `mayConnect` says so. */
export function connect(mayConnect: () => Promise<boolean>): void {
  const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws'
  const since = newest === null ? '' : `&since=${newest}`
  const address = `${scheme}://${window.location.host}${addressOf('/api/tablao/v1/events')}`
  const socket = new WebSocket(`${address}?topics=${ALWAYS.join()}${since}`)
  socket.onopen = () => opened(socket)
  socket.onmessage = ({ data }) => heard(JSON.parse(String(data)) as FarmEvent)
  socket.onclose = () => {
    open = undefined
    isConnected.value = false
    lostAt.value ??= new Date().toISOString()
    window.setTimeout(() => void reconnect(mayConnect), pauseMs)
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
  }
}

/** A page whose login has ended would be refused for ever. */
async function reconnect(mayConnect: () => Promise<boolean>): Promise<void> {
  if (await mayConnect()) connect(mayConnect)
}

function opened(socket: WebSocket): void {
  open = socket
  requested = '[]'
  requestTopics()
  // Without the id of an event to resume from, the manager cannot send missed events.
  const isResumed = newest !== null || !wasConnected.value
  isConnected.value = true
  lostAt.value = undefined
  wasConnected.value = true
  pauseMs = FIRST_PAUSE_MS
  if (!isResumed) refetchAll()
}

/** One message for all listeners that start or stop together. */
function requestSoon(): void {
  if (isRequestDue) return
  isRequestDue = true
  queueMicrotask(requestTopics)
}

function requestTopics(): void {
  isRequestDue = false
  const topics = [...new Set(listeners.values())].filter((topic) => REQUESTED_ONLY.test(topic)).sort()
  const request = JSON.stringify(topics.slice(0, MOST_REQUESTED))
  if (!open || request === requested) return
  requested = request
  open.send(`{"also": ${request}}`)
}

function heard(event: FarmEvent): void {
  if (event.id !== null) newest = event.id
  if (event.topic === '/missed') return refetchAll()
  for (const [listener, topic] of listeners) {
    if (isBelow(event.topic, topic)) listener(event)
  }
}

function isBelow(topic: string, wanted: string): boolean {
  return topic === wanted || topic.startsWith(`${wanted}/`)
}

function refetchAll(): void {
  for (const refetch of refetches) refetch()
}
