/** The farm's history in a period: over time, and by groups. It is asked again while the page is in sight. */

import { onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { addressOf } from '@/api/address'
import { answered, api, type Schemas } from '@/api/client'
import { onMissed } from '@/api/events'
import { periodOf, type HistoryQuery } from './historyQuery'

export type FarmHistory = Schemas['FarmHistory']
export type HistoryGroup = Schemas['HistoryGroup']

interface UsedHistory {
  /** Of one and the same question; undefined until the first answer. */
  found: Readonly<Ref<{ times: FarmHistory; groups: FarmHistory } | undefined>>
  failure: Readonly<Ref<string>>
  csv: Readonly<Ref<string>>
  refetch: () => void
}

const EVERY_MS = 5 * 60_000
const ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone

export function useHistory(query: Ref<HistoryQuery>): UsedHistory {
  const found = shallowRef<{ times: FarmHistory; groups: FarmHistory }>()
  const failure = ref('')
  const csv = ref('')

  async function load(): Promise<void> {
    const asked = query.value
    const period = periodOf(asked, new Date())
    if (!period) return
    const common = { from: period.from.toISOString(), to: period.to.toISOString(), zone: ZONE }
    csv.value = `${addressOf('/api/tablao/v1/history.csv')}?${new URLSearchParams({ ...common, by: asked.group })}`
    try {
      const [times, groups] = await Promise.all([period.by, asked.group].map((by) =>
        answered(api.GET('/api/tablao/v1/history', { params: { query: { ...common, by } } }))))
      // Another range was chosen meanwhile.
      if (asked !== query.value) return
      found.value = { times: times!, groups: groups! }
      failure.value = ''
    } catch (reason) {
      if (asked === query.value) failure.value = reason instanceof Error ? reason.message : String(reason)
    }
  }

  const loadInSight = (): void => {
    if (!document.hidden) void load()
  }
  const timer = window.setInterval(loadInSight, EVERY_MS)
  onScopeDispose(() => window.clearInterval(timer))
  onScopeDispose(onMissed(() => void load()))
  watch(query, () => void load(), { immediate: true })
  return { found, failure, csv, refetch: () => void load() }
}
