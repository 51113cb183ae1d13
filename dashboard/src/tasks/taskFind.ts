/** Which tasks a text finds: by number, name, status, worker, type, or a frame in the name's range. */

import type { TaskSummary } from '@/api/client'
import { TASK_LOOK } from '@/shared/statuses'

const RANGES = /(\d+)\s*-\s*(\d+)/g

/** `wanted` is in lower case. */
export function isFound(task: TaskSummary, wanted: string): boolean {
  const { name, index_in_job, status, worker, task_type } = task
  const content = `#${index_in_job} ${name} ${status} ${TASK_LOOK[status].label} ${worker?.name ?? ''} ${task_type}`
  return content.toLowerCase().includes(wanted) || (/^\d+$/.test(wanted) && hasFrame(name, Number(wanted)))
}

/** Whether the name has a range, such as `51-60`, with this frame in it. */
function hasFrame(name: string, frame: number): boolean {
  return [...name.matchAll(RANGES)].some(([, first, last]) => Number(first) <= frame && frame <= Number(last))
}
