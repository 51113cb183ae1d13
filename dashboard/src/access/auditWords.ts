/** Entries of the audit in words. */

import type { Schemas } from '@/api/client'

export type AuditEntry = Schemas['AuditEntry']

interface Change {
  name: string
  /** Undefined if the value was not there. */
  before?: string
  after?: string
}

/** Such as `change account`, of the operation `changeAccount`. */
export function actionWords(action: string): string {
  return action.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase()
}

/** Why something was refused: `HTTP 409`, of the outcome `refused: HTTP 409`, or a sentence. */
export const refusalWords = (outcome: string): string => outcome.replace(/^refused: /, '')

/** What is different between before and after, by name. `called` has the names of ids that are known. */
export function changesOf({ before, after }: Pick<AuditEntry, 'before' | 'after'>, called: ReadonlyMap<string, string> = new Map()): Change[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  return names
    .map((name) => {
      const [was, is] = [textOf(before?.[name], called), textOf(after?.[name], called)]
      return { name, ...(was !== undefined && { before: was }), ...(is !== undefined && { after: is }) }
    })
    .filter((change: Change) => change.before !== change.after)
}

function textOf(value: unknown, called: ReadonlyMap<string, string>): string | undefined {
  if (value === undefined) return undefined
  if (Array.isArray(value)) return value.map((each) => textOf(each, called)).join(', ') || 'none'
  return typeof value === 'string' ? (called.get(value) ?? value) : JSON.stringify(value)
}
