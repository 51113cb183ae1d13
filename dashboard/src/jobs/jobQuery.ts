/** The filters and order of the list of jobs, as a value and in the page's address. */

import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { Job } from '@/api/client'
import type { Sort } from '@/shared/table'
import type { TagNames } from '@/workers/tagStore'

/** A filter takes any number of values of each facet. */
export const FACETS = ['status', 'type', 'project', 'user', 'tag'] as const
export type Facet = (typeof FACETS)[number]

export interface JobQuery {
  text: string
  /** Pairs `key:value`, or a key that a job must have. All must match. */
  metadata: string
  chosen: Readonly<Record<Facet, readonly string[]>>
  /** Undefined: the newest jobs come first. */
  sort: Sort | undefined
  isArchive: boolean
}

export const projectOf = (job: Job): string => job.metadata.project ?? ''
export const userOf = (job: Job): string => job.metadata['user.name'] ?? ''

export function facetOf(job: Job, facet: Facet, tags: TagNames): string {
  switch (facet) {
    case 'status':
      return job.status
    case 'type':
      return job.type
    case 'project':
      return projectOf(job)
    case 'user':
      return userOf(job)
    case 'tag':
      return job.worker_tag ? (tags.get(job.worker_tag) ?? job.worker_tag) : ''
  }
}

export function parsed(query: LocationQuery): JobQuery {
  const sort = one(query.sort)
  return {
    text: one(query.q),
    metadata: one(query.meta),
    chosen: {
      status: many(query.status),
      type: many(query.type),
      project: many(query.project),
      user: many(query.user),
      tag: many(query.tag),
    },
    sort: sort ? { key: sort.replace(/^-/, ''), isDescending: sort.startsWith('-') } : undefined,
    isArchive: one(query.archived) === '1',
  }
}

/** Leaves out empty filters, so equal queries have equal addresses. */
export function written(query: JobQuery): LocationQueryRaw {
  const raw: LocationQueryRaw = {}
  if (query.text) raw.q = query.text
  if (query.metadata) raw.meta = query.metadata
  for (const facet of FACETS) if (query.chosen[facet].length) raw[facet] = [...query.chosen[facet]]
  if (query.sort) raw.sort = `${query.sort.isDescending ? '-' : ''}${query.sort.key}`
  if (query.isArchive) raw.archived = '1'
  return raw
}

export const isFiltered = ({ text, metadata, chosen }: JobQuery): boolean =>
  Boolean(text || metadata || FACETS.some((facet) => chosen[facet].length))

/** Whether it asks for all jobs, the newest first. */
export const isPlain = (query: JobQuery): boolean => !isFiltered(query) && !query.sort && !query.isArchive

/** Tests whether a job matches. `without` leaves one facet out, to count its other values. */
export function wanted(query: JobQuery, tags: TagNames, without?: Facet): (job: Job) => boolean {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean)
  const pairs = query.metadata.split(/[\s,]+(?=[^\s,:]+(?::|$))/).filter(Boolean)
  const facets = FACETS.filter((facet) => facet !== without && query.chosen[facet].length)
  const chosen = facets.map((facet) => [facet, new Set(query.chosen[facet])] as const)
  // The jobs are gone through for each facet whenever one of them changes.
  if (!chosen.length && !pairs.length && !words.length) return () => true
  return (job) =>
    chosen.every(([facet, values]) => values.has(facetOf(job, facet, tags))) &&
    pairs.every((pair) => hasMetadata(job, pair)) &&
    words.every((word) => isIn(job, word))
}

function isIn(job: Job, word: string): boolean {
  if (job.name.toLowerCase().includes(word) || job.id.startsWith(word) || job.type.includes(word)) return true
  return Object.values(job.metadata).some((value) => value.toLowerCase().includes(word))
}

function hasMetadata(job: Job, pair: string): boolean {
  const colon = pair.indexOf(':')
  if (colon < 0) return pair in job.metadata
  const value = job.metadata[pair.slice(0, colon)]
  return value !== undefined && value.toLowerCase().includes(pair.slice(colon + 1).trim().toLowerCase())
}

type Given = LocationQuery[string] | undefined

const one = (given: Given): string => String((Array.isArray(given) ? given[0] : given) ?? '')
const many = (given: Given): string[] => (given === undefined ? [] : [given].flat().map((value) => value ?? ''))
