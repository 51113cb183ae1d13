/** Adds a tag to workers or removes it. Their other tags stay. */

import { answered, api } from '@/api/client'
import { forEachRow, report, reportRefusals } from '@/shared/bulkAction'
import type { WorkerTag } from './tagStore'
import { namesOf } from './workerActions'

interface Tagged {
  id: string
  name: string
}

let turn: Promise<unknown> = Promise.resolve()

/** False if a worker was refused; the page shows the reason. */
export function switchTag(workers: readonly Tagged[], tag: WorkerTag, isOn: boolean): Promise<boolean> {
  // A worker's tags are set as a whole: two switches at once would undo each other.
  const ours = turn.then(() => switchEach(workers, tag, isOn))
  turn = ours
  return ours
}

async function switchEach(workers: readonly Tagged[], tag: WorkerTag, isOn: boolean): Promise<boolean> {
  const unchanged = new Set<Tagged>()
  const { done, refusals } = await forEachRow(workers, async (worker) => {
    if (!(await switchOne(worker.id, tag.id ?? '', isOn))) unchanged.add(worker)
  })
  const changed = done.filter((worker) => !unchanged.has(worker))
  // A single worker's tags are in sight: only a refusal is news.
  if (workers.length === 1) reportRefusals(refusals, namesOf)
  else report({ done: changed, refusals }, {
    named: namesOf,
    done: `${isOn ? 'got' : 'lost'} the tag ${tag.name}.`,
    undo: { label: 'Undo', run: () => void switchTag(changed, tag, !isOn) },
  })
  return !refusals.length
}

/** False if the worker already was as wanted. */
async function switchOne(workerId: string, tagId: string, isOn: boolean): Promise<boolean> {
  const params = { path: { worker_id: workerId } }
  const { tags = [] } = await answered(api.GET('/api/v3/worker-mgt/workers/{worker_id}', { params }))
  const had = (tags ?? []).map(({ id }) => id ?? '')
  if (had.includes(tagId) === isOn) return false
  const body = { tag_ids: isOn ? [...had, tagId] : had.filter((id) => id !== tagId) }
  await answered(api.POST('/api/v3/worker-mgt/workers/{worker_id}/settags', { params, body }))
  return true
}
