/** How the dashboard says what a doctor has found. */

import type { Schemas } from '@/api/client'
import type { Look } from '@/shared/statuses'

export type Check = Schemas['DoctorCheck']
export type Report = Schemas['DoctorReport']

export const LOOKS: Record<Check['state'], Look> = {
  'broken': { icon: 'cross', color: 'failed', label: 'broken' },
  'to-look-at': { icon: 'dots', color: 'soft-failed', label: 'to look at' },
  'fine': { icon: 'check', color: 'completed', label: 'fine' },
}
const ORDER: readonly Check['state'][] = ['broken', 'to-look-at']

/** What a person has to do something about, the worst first. */
export function ailing(checks: readonly Check[]): readonly Check[] {
  return ORDER.flatMap((state) => checks.filter((check) => check.state === state))
}

/** A sentence's parts: every second one is a command or a name, which backquotes enclose. */
export function partsOf(sentence: string): readonly string[] {
  const parts = sentence.split('`')
  // Without its partner, a backquote is one.
  return parts.length % 2 ? parts : [sentence]
}

export function summaryOf(checks: readonly Check[]): string {
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length
  if (!ailing(checks).length) return `All ${checks.length} checks are fine.`
  return `${count('broken')} broken, ${count('to-look-at')} to look at, ${count('fine')} fine.`
}
