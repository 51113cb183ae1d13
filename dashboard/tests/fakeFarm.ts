/** A stand-in for the manager: answers requests when a test says so, and sends events. */

import { vi } from 'vitest'
import { connect, type Payload } from '@/api/events'

interface Request {
  path: string
  query: string
  method: string
  answer: (content: unknown, status?: number) => void
}

class FakeSocket {
  static newest: FakeSocket
  readonly sent: string[] = []
  onopen?: () => void
  onmessage?: (message: { data: string }) => void
  onclose?: () => void

  constructor(readonly url: string) {
    FakeSocket.newest = this
  }

  send(text: string): void {
    this.sent.push(text)
  }
}

export class FakeFarm {
  readonly requests: Request[] = []
  #eventId = 0

  /** Takes the place of the browser's `fetch` and `WebSocket`, and connects the page. */
  constructor() {
    vi.stubGlobal('fetch', (request: globalThis.Request) => this.#asked(request))
    vi.stubGlobal('WebSocket', FakeSocket)
    connect(() => Promise.resolve(true))
    this.socket.onopen?.()
  }

  get socket(): FakeSocket {
    return FakeSocket.newest
  }

  send(topic: string, payload: Payload): void {
    this.socket.onmessage?.({ data: JSON.stringify({ id: ++this.#eventId, topic, payload }) })
  }

  /** Answers the oldest request for a path that has no answer yet. */
  async answer(path: string, content: unknown, status = 200): Promise<void> {
    await vi.waitUntil(() => this.asked(path) > 0)
    const place = this.requests.findIndex((request) => request.path === path)
    this.requests.splice(place, 1)[0]?.answer(content, status)
    await settled()
  }

  /** How many requests for a path have no answer yet. */
  asked(path: string): number {
    return this.requests.filter((request) => request.path === path).length
  }

  /** The query of the oldest request for a path that has no answer yet. */
  query(path: string): string | undefined {
    return this.requests.find((request) => request.path === path)?.query
  }

  #asked({ url, method }: globalThis.Request): Promise<Response> {
    return new Promise((resolve) => {
      const answer: Request['answer'] = (content, status = 200) => {
        const headers = { 'Content-Type': 'application/json' }
        resolve(new Response(JSON.stringify(content), { status, headers }))
      }
      const { pathname, search } = new URL(url)
      this.requests.push({ path: pathname, query: search.slice(1), method, answer })
    })
  }
}

/** Waits for what promises do next. */
async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

/** Waits until the page has shown the newest events. */
export async function frameShown(): Promise<void> {
  await vi.advanceTimersByTimeAsync(20)
}
