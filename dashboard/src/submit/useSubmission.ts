/** The draft of a job. The manager checks it while it is edited. */

import { computed, onUnmounted, ref, watch, type ComputedRef, type Ref } from 'vue'
import { answered, api, type Job, type Schemas } from '@/api/client'
import { complain } from '@/shared/notices'
import { beginning, filled, isMissing, labelOf, withOutput, type JobType, type JobValues } from './jobSettings'

const CHECK_AFTER_MS = 500

interface Draft {
  type: string
  name: string
  priority: number
  tag: string
  isPaused: boolean
  metadata: { key: string; value: string }[]
  settings: JobValues
}

interface Submission {
  types: Ref<readonly JobType[]>
  tags: Ref<readonly Schemas['WorkerTag'][]>
  draft: Ref<Draft>
  jobType: ComputedRef<JobType | undefined>
  /** The names of required settings that are empty, as a text. */
  missing: ComputedRef<string>
  preview: Ref<Schemas['JobPreview'] | undefined>
  choose: (type: string) => void
  submit: () => Promise<Job>
}

export function useSubmission(): Submission {
  const types = ref<readonly JobType[]>([])
  const tags = ref<readonly Schemas['WorkerTag'][]>([])
  const preview = ref<Schemas['JobPreview']>()
  const draft = ref<Draft>({ type: '', name: '', priority: 50, tag: '', isPaused: false, metadata: [], settings: {} })
  const jobType = computed(() => types.value.find(({ name }) => name === draft.value.type))
  const missing = computed(() => {
    const names = draft.value.name.trim() ? [] : ['Name']
    for (const setting of jobType.value?.settings ?? []) {
      if (isMissing(setting, draft.value.settings[setting.key])) names.push(labelOf(setting))
    }
    return names.join(', ')
  })
  let timer: number | undefined
  let checks = 0

  function choose(type: string): void {
    const settings = types.value.find(({ name }) => name === type)?.settings ?? []
    const kept = Object.entries(draft.value.settings).filter(([key, value]) => value !== null && settings.some((one) => one.key === key))
    draft.value = { ...draft.value, type, settings: { ...beginning(settings), ...Object.fromEntries(kept) } }
  }

  function body(): Schemas['SubmittedJob'] {
    const { type, name, priority, tag, isPaused, metadata, settings } = draft.value
    return {
      type, name: name.trim(), priority, submitter_platform: 'manager',
      settings: filled(withOutput(settings, name)),
      metadata: Object.fromEntries(metadata.filter(({ key }) => key.trim()).map(({ key, value }) => [key.trim(), value])),
      initial_status: isPaused ? 'paused' : 'queued',
      ...(jobType.value && { type_etag: jobType.value.etag }),
      ...(tag && { worker_tag: tag }),
    }
  }

  async function check(): Promise<void> {
    const number = ++checks
    try {
      const found = await answered(api.POST('/api/tablao/v1/job-types/preview-job', { body: body() }))
      if (number === checks) preview.value = found
    } catch (reason) {
      complain(reason)
    }
  }

  watch([draft, missing], () => {
    window.clearTimeout(timer)
    checks++
    preview.value = undefined
    if (!missing.value && jobType.value) timer = window.setTimeout(() => void check(), CHECK_AFTER_MS)
  }, { deep: true })
  onUnmounted(() => window.clearTimeout(timer))

  async function load(): Promise<void> {
    const [found, known] = await Promise.all([answered(api.GET('/api/v3/jobs/types')), answered(api.GET('/api/v3/worker-mgt/tags'))])
    types.value = found.job_types
    tags.value = known.tags ?? []
    const usual = found.job_types.find(({ name }) => name === 'simple-blender-render') ?? found.job_types[0]
    if (usual && !draft.value.type) choose(usual.name)
  }
  load().catch(complain)

  const submit = (): Promise<Job> => answered(api.POST('/api/v3/jobs', { body: body() }))
  return { types, tags, draft, jobType, missing, preview, choose, submit }
}
