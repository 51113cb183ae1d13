/** The only caller of fetch: requests typed by the manager's OpenAPI document. */

import createClient from 'openapi-fetch'
import { managerAddress } from './address'
import type { components, paths } from './schema.gen'

export type Schemas = components['schemas']
/** The counts of its tasks and the time of its frames are missing where Flamenco's interface tells of it. */
export type Job = Schemas['Job'] & { task_counts?: Readonly<Partial<Record<TaskStatus, number>>> | undefined; frame_s?: number | null | undefined }
export type JobStatus = Schemas['JobStatus']
export type TaskStatus = Schemas['TaskStatus']
/** With the time of its last sign of life, if it is stuck. */
export type TaskSummary = Schemas['TaskSummary'] & { silent_since?: string | null | undefined }

export const api = createClient<paths>({ baseUrl: managerAddress() })

let unauthorized: () => void = () => undefined

/** Calls `listener` whenever the manager refuses a request because it does not know who asks. */
export function onUnauthorized(listener: () => void): void {
  unauthorized = listener
}

api.use({
  onResponse({ response, schemaPath }) {
    // The listener asks who the user is.
    if (response.status === 401 && schemaPath !== '/api/tablao/v1/me') unauthorized()
  },
})

/** Why the manager refused a request, as a sentence for the user. */
export class Refusal extends Error {
  /** `status` is the answer's; 0 if the manager cannot be reached. */
  constructor(sentence: string, readonly status = 0) {
    super(sentence)
  }

  get isNotFound(): boolean {
    return this.status === 404
  }
}

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The content of the answer. Throws a {@link Refusal} if the manager refuses or cannot be reached. */
export async function answered<T>(request: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await reached(request)
  if (!response.ok) throw new Refusal(sentence(error) ?? `The manager answered ${response.status}`, response.status)
  return data as T
}

async function reached<T>(request: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await request
  } catch {
    throw new Refusal('The manager cannot be reached')
  }
}

function sentence(error: unknown): string | undefined {
  if (typeof error === 'string') return error
  if (error && typeof error === 'object' && 'message' in error) return String(error.message)
  return undefined
}

/** A file that the manager serves, as text. */
export async function fetchedText(url: string): Promise<string> {
  const { data } = await reached(readText(url))
  return data ?? ''
}

async function readText(url: string): Promise<Answer<string>> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return { data: await response.text(), response }
}
