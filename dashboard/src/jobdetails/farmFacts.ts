/** What of the farm a job's details name: where Temporal shows its workflows, what tags are called. */

import { computed, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { complain } from '@/shared/notices'

const farm = shallowRef<Schemas['Farm']>()
const tags = shallowRef<ReadonlyMap<string, string>>(new Map())

/** Empty where there is no such page. */
export function useWorkflowUrl(jobId: () => string): Readonly<Ref<string>> {
  if (!farm.value) void fetchFarm().catch(complain)
  return computed(() => {
    const { temporal_ui: ui = '', temporal_namespace: namespace = '' } = farm.value ?? {}
    return ui && `${ui.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/job-${jobId()}`
  })
}

/** Empty for no tag; its id until the name is known. */
export function useTagName(tagId: () => string | null | undefined): Readonly<Ref<string>> {
  watch(tagId, (id) => {
    if (id && !tags.value.has(id)) void fetchTags().catch(complain)
  }, { immediate: true })
  return computed(() => tags.value.get(tagId() ?? '') ?? tagId() ?? '')
}

async function fetchFarm(): Promise<void> {
  farm.value = await answered(api.GET('/api/tablao/v1/farm'))
}

async function fetchTags(): Promise<void> {
  const found = await answered(api.GET('/api/v3/worker-mgt/tags'))
  tags.value = new Map(found.tags?.map((tag) => [tag.id ?? '', tag.name]))
}
