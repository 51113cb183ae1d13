/** Reads and changes the query in the page's address. */

import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { parsed, written, type JobQuery } from './jobQuery'

export interface JobQueryInAddress {
  query: ComputedRef<JobQuery>
  /** The query as a saved view keeps it. */
  text: ComputedRef<string>
  change: (changes: Partial<JobQuery>) => void
  choose: (text: string) => void
}

export function useJobQuery(): JobQueryInAddress {
  const route = useRoute()
  const router = useRouter()
  const query = computed(() => parsed(route.query))
  const textOf = (wanted: JobQuery): string => router.resolve({ query: written(wanted) }).fullPath.split('?')[1] ?? ''

  function go(wanted: JobQuery): void {
    const { jobId, taskId } = route.params
    // Other parts of the address stay, such as the open tab of the details.
    const ours = new Set(['q', 'meta', 'status', 'type', 'project', 'user', 'tag', 'sort', 'archived'])
    const others = Object.fromEntries(Object.entries(route.query).filter(([key]) => !ours.has(key)))
    const params = taskId ? { jobId, taskId } : { jobId }
    void router.replace({ name: route.name!, params, query: { ...others, ...written(wanted) } } as Parameters<typeof router.replace>[0])
  }

  return {
    query,
    text: computed(() => textOf(query.value)),
    change: (changes) => go({ ...query.value, ...changes }),
    choose: (text) => go(parsed(router.resolve(`/jobs?${text}`).query)),
  }
}
