/** Which jobs a text finds: by name, status, type, project, user or tag. */

import type { Job } from '@/api/client'
import { JOB_LOOK } from '@/shared/statuses'
import type { TagNames } from '@/workers/tagStore'
import { facetOf, projectOf, userOf } from './jobQuery'

/** `wanted` is in lower case. */
export function isFound(job: Job, wanted: string, tags: TagNames): boolean {
  const words = [job.name, job.status, JOB_LOOK[job.status].label, job.type, projectOf(job), userOf(job), facetOf(job, 'tag', tags), job.id]
  return words.some((word) => word.toLowerCase().includes(wanted))
}
