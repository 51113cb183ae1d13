/** The address at which Temporal's page shows a job's workflow. */

import { computed, shallowRef, type Ref } from 'vue'
import { may } from '@/access/me'
import { answered, api, type Schemas } from '@/api/client'
import { complain } from '@/shared/notices'

const farm = shallowRef<Schemas['Farm']>()

/** Empty if the farm has no such page, or the user may not open it. */
export function useWorkflowUrl(jobId: () => string): Readonly<Ref<string>> {
  if (!farm.value) void fetchFarm().catch(complain)
  return computed(() => {
    const { temporal_ui: ui = '', temporal_namespace: namespace = '' } = farm.value ?? {}
    if (!ui || !may('temporal')) return ''
    return `${ui.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/job-${jobId()}`
  })
}

async function fetchFarm(): Promise<void> {
  farm.value = await answered(api.GET('/api/tablao/v1/farm'))
}
