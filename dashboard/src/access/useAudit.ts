/** Pages of the audit, the newest entries first. */

import { ref, shallowRef, watch, type Ref } from 'vue'
import { answered, api } from '@/api/client'
import { complain } from '@/shared/notices'
import type { AuditEntry } from './auditWords'

export interface AuditFilter {
  name: string
  action: string
}

interface UsedAudit {
  entries: Readonly<Ref<readonly AuditEntry[]>>
  hasMore: Readonly<Ref<boolean>>
  isLoaded: Readonly<Ref<boolean>>
  loadMore: () => Promise<void>
}

export function useAudit(filter: Ref<AuditFilter>): UsedAudit {
  const entries = shallowRef<readonly AuditEntry[]>([])
  const hasMore = ref(false)
  const isLoaded = ref(false)

  async function load(known: readonly AuditEntry[]): Promise<void> {
    const asked = filter.value
    const before = known.at(-1)?.id
    const query = { ...asked, ...(before !== undefined && { before }) }
    try {
      const found = await answered(api.GET('/api/tablao/v1/audit', { params: { query } }))
      // Another filter was chosen meanwhile.
      if (asked !== filter.value) return
      entries.value = [...known, ...found.entries]
      hasMore.value = found.has_more
      isLoaded.value = true
    } catch (reason) {
      complain(reason)
    }
  }

  watch(filter, () => void load([]), { immediate: true })
  return { entries, hasMore, isLoaded, loadMore: () => load(entries.value) }
}
