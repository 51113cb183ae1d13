/** The words for kinds of happenings, and for what they are about. */

import type { Schemas } from '@/api/client'

export type Kind = Exclude<Schemas['HappeningKind'], 'test'>
export type Scope = Schemas['Scope']
export type Shape = Schemas['Shape']

export const KIND_WORDS: Record<Kind, string> = {
  'job-done': 'A job is completed',
  'job-failed': 'A job failed',
  'job-stuck': 'A task is stuck',
  'job-waits': 'A job cannot go on',
  'worker-aside': 'A worker is set aside',
  'worker-lost': 'A worker is lost',
  'worker-waits': 'A worker waits to be let in',
  'webhook-disabled': 'A webhook was disabled',
}

export const KINDS = Object.keys(KIND_WORDS) as Kind[]
/** What a person hears of at first. */
export const USUAL: readonly Kind[] = ['job-done', 'job-failed', 'job-waits']

export const SCOPE_WORDS: Record<Scope, string> = {
  all: 'The whole farm',
  mine: 'My jobs',
  project: 'Jobs of a project',
  tag: 'Jobs with a worker tag',
  job: 'One job',
}

export const SHAPE_WORDS: Record<Shape, string> = {
  plain: 'Plain JSON',
  slack: 'Slack',
  discord: 'Discord',
  mattermost: 'Mattermost',
}
