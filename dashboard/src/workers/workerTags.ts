/** Gives workers a tag, or takes it from them: one or many, each keeping its others. */

import { answered, api } from '@/api/client'
import { complain, say } from '@/shared/notices'
import type { WorkerTag } from './tagStore'

interface Tagged {
  id: string
  name: string
}

let turn: Promise<unknown> = Promise.resolve()

/** False: not all could be changed, and it was said why. */
export function switchTag(workers: readonly Tagged[], tag: WorkerTag, isOn: boolean): Promise<boolean> {
  // A worker's tags are set as a whole: two switches at once would undo each other.
  const ours = turn.then(() => switchEach(workers, tag, isOn))
  turn = ours
  return ours
}

async function switchEach(workers: readonly Tagged[], tag: WorkerTag, isOn: boolean): Promise<boolean> {
  const results = await Promise.allSettled(workers.map((worker) => switchOne(worker.id, tag.id ?? '', isOn)))
  const changed = workers.filter((_, place) => {
    const result = results[place]
    return result?.status === 'fulfilled' && result.value
  })
  if (workers.length > 1 && changed.length) {
    const who = changed.length === 1 ? changed[0]!.name : `${changed.length} workers`
    say(`${who} ${isOn ? 'got' : 'lost'} the tag ${tag.name}.`, () => void switchTag(changed, tag, !isOn))
  }
  const refusals = results.filter((result) => result.status === 'rejected')
  if (refusals.length) complain(refusals[0]!.reason)
  return !refusals.length
}

/** Whether that changed anything. */
async function switchOne(workerId: string, tagId: string, isOn: boolean): Promise<boolean> {
  const params = { path: { worker_id: workerId } }
  const { tags = [] } = await answered(api.GET('/api/v3/worker-mgt/workers/{worker_id}', { params }))
  const had = (tags ?? []).map(({ id }) => id ?? '')
  if (had.includes(tagId) === isOn) return false
  const body = { tag_ids: isOn ? [...had, tagId] : had.filter((id) => id !== tagId) }
  await answered(api.POST('/api/v3/worker-mgt/workers/{worker_id}/settags', { params, body }))
  return true
}
