/** Reads and changes the query in the page's address, which can be sent and saved. */

import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { parsed, written, type WorkerQuery } from './workerQuery'

export function useWorkerQuery(): {
  query: ComputedRef<WorkerQuery>
  change: (changes: Partial<WorkerQuery>) => void
  /** The query as text, which a saved view keeps. */
  text: ComputedRef<string>
  choose: (text: string) => void
} {
  const route = useRoute()
  const router = useRouter()
  const query = computed(() => parsed(route.query))

  function change(changes: Partial<WorkerQuery>): void {
    void router.replace({ query: written({ ...query.value, ...changes }) })
  }

  const text = computed(() => new URLSearchParams(written(query.value)).toString())

  function choose(wanted: string): void {
    void router.replace({ query: Object.fromEntries(new URLSearchParams(wanted)) })
  }

  return { query, change, text, choose }
}
