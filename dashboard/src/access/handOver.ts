/** What the add-on asks for, and how it gets its token. */

import type { LocationQuery } from 'vue-router'
import type { Permission } from './me'

interface AccessRequest {
  tokenName: string
  /** The port on this machine where the add-on waits, and the word by which it knows the answer; or neither. */
  waiting?: { port: number; state: string }
}

export const BLENDER_SCOPES: readonly Permission[] = ['read', 'submit', 'jobs:own']
export const BLENDER_DAYS = 90
const LONGEST_HOST = 100

export function parsedRequest(query: LocationQuery): AccessRequest {
  const [host, port, state] = [word(query.host), Number(word(query.port)), word(query.state)]
  const tokenName = host ? `Blender on ${host.slice(0, LONGEST_HOST)}` : 'Blender'
  const isWaiting = Number.isInteger(port) && port > 1_023 && port < 65_536 && /^[\w-]{16,128}$/.test(state)
  return { tokenName, ...(isWaiting && { waiting: { port, state } }) }
}

/** The address at which the add-on gets the token; undefined if it does not wait. It is always on this machine. */
export function handOverAddress({ waiting }: AccessRequest, token: string): string | undefined {
  if (!waiting) return undefined
  return `http://127.0.0.1:${waiting.port}/?${new URLSearchParams({ state: waiting.state, token }).toString()}`
}

function word(raw: LocationQuery[string] | undefined): string {
  return (Array.isArray(raw) ? raw[0] : raw) ?? ''
}
