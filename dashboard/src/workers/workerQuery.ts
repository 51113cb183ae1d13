/** The filters, order and layout of the workers, as a value and in the page's address. */

import type { LocationQueryValue } from 'vue-router'
import type { Sort } from '@/shared/table'
import { KINDS, kindOf, type Kind } from './workerWords'
import type { FarmWorker } from './workerStore'

export interface WorkerQuery {
  text: string
  kinds: readonly Kind[]
  /** A tag's name; empty for all workers. */
  tag: string
  isGrid: boolean
  sort: Sort
}

type Raw = LocationQueryValue | LocationQueryValue[] | undefined

const DEFAULT_SORT: Sort = { key: 'name', isDescending: false }

export function parsed(raw: Record<string, Raw>): WorkerQuery {
  const sort = word(raw.sort)
  return {
    text: word(raw.q),
    kinds: word(raw.status).split(',').filter((kind): kind is Kind => KINDS.includes(kind as Kind)),
    tag: word(raw.tag),
    isGrid: word(raw.view) === 'grid',
    sort: sort ? { key: sort.replace(/^-/, ''), isDescending: sort.startsWith('-') } : DEFAULT_SORT,
  }
}

/** Leaves out default values. */
export function written({ text, kinds, tag, isGrid, sort }: WorkerQuery): Record<string, string> {
  const sorted = `${sort.isDescending ? '-' : ''}${sort.key}`
  const all = {
    q: text,
    status: kinds.join(','),
    tag,
    view: isGrid ? 'grid' : '',
    sort: sorted === DEFAULT_SORT.key ? '' : sorted,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value))
}

function word(raw: Raw): string {
  return (Array.isArray(raw) ? raw[0] : raw) ?? ''
}

/** The workers that match all words, one of the kinds, and the tag. */
export function matching(workers: Iterable<FarmWorker>, query: WorkerQuery): FarmWorker[] {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean)
  return [...workers].filter(
    (worker) =>
      (!query.kinds.length || query.kinds.includes(kindOf(worker))) &&
      (!query.tag || worker.tags.some((tag) => tag.name === query.tag)) &&
      (!words.length || hasAll(searched(worker), words)),
  )
}

function hasAll(text: string, words: readonly string[]): boolean {
  return words.every((each) => text.includes(each))
}

function searched(worker: FarmWorker): string {
  return [
    worker.name, worker.ip_address, worker.platform, worker.version, worker.id,
    ...worker.tags.map((tag) => tag.name),
    ...worker.tasks.flatMap((task) => [task.name, task.job_name]),
    ...worker.supported_task_types,
  ].join(' ').toLowerCase()
}
