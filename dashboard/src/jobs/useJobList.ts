/** The jobs that match the query, in its order, and the values that filters can take. */

import { computed, type ComputedRef, type Ref } from 'vue'
import type { Job } from '@/api/client'
import { inOrder, type Column } from '@/shared/table'
import type { TagNames } from '@/workers/tagStore'
import { FACETS, facetOf, wanted, type Facet, type JobQuery } from './jobQuery'

export interface JobList {
  rows: ComputedRef<readonly Job[]>
  /**
   * For each facet, the number of jobs with each value, among the jobs that match all other filters.
   * Has all values of the list, also those of 0 jobs, so that no filter goes while another one is typed.
   */
  counts: ComputedRef<Record<Facet, ReadonlyMap<string, number>>>
}

export function useJobList(
  jobs: Readonly<Ref<readonly Job[]>>,
  query: Readonly<Ref<JobQuery>>,
  tags: Readonly<Ref<TagNames>>,
  columns: Readonly<Ref<readonly Column<Job>[]>>,
): JobList {
  const rows = computed(() => {
    const found = jobs.value.filter(wanted(query.value, tags.value))
    return query.value.sort ? inOrder(found, columns.value, query.value.sort) : found
  })
  const counts = computed(() => {
    const counted = FACETS.map((facet) => [facet, countsOf(jobs.value, query.value, tags.value, facet)])
    return Object.fromEntries(counted) as Record<Facet, ReadonlyMap<string, number>>
  })
  return { rows, counts }
}

function countsOf(jobs: readonly Job[], query: JobQuery, tags: TagNames, facet: Facet): Map<string, number> {
  const counts = new Map<string, number>()
  const isWanted = wanted(query, tags, facet)
  for (const job of jobs) {
    const value = facetOf(job, facet, tags)
    counts.set(value, (counts.get(value) ?? 0) + Number(isWanted(job)))
  }
  return counts
}
