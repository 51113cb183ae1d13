/** The comments on a job or worker: fetched, written, and fetched again when others write. */

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { onEvent, onMissed } from '@/api/events'
import { complain } from '@/shared/notices'

export type Comment = Schemas['Comment']

/** What comments are on. */
export interface Subject {
  kind: 'job' | 'worker'
  id: string
}

interface Comments {
  /** Undefined until they are there. */
  comments: Readonly<Ref<readonly Comment[] | undefined>>
  /** Each of them returns whether it was done; a refusal is shown. */
  add: (text: string) => Promise<boolean>
  edit: (comment: Comment, text: string) => Promise<boolean>
  remove: (comment: Comment) => Promise<boolean>
}

async function fetchComments({ kind, id }: Subject): Promise<Comment[]> {
  const found = kind === 'job'
    ? api.GET('/api/tablao/v1/jobs/{job_id}/comments', { params: { path: { job_id: id } } })
    : api.GET('/api/tablao/v1/workers/{worker_id}/comments', { params: { path: { worker_id: id } } })
  return (await answered<Schemas['CommentList']>(found)).comments
}

async function post({ kind, id }: Subject, text: string): Promise<void> {
  await answered<Comment>(kind === 'job'
    ? api.POST('/api/tablao/v1/jobs/{job_id}/comments', { params: { path: { job_id: id } }, body: { text } })
    : api.POST('/api/tablao/v1/workers/{worker_id}/comments', { params: { path: { worker_id: id } }, body: { text } }))
}

export function useComments(subject: () => Subject): Comments {
  const comments = shallowRef<readonly Comment[]>()
  let newest = 0

  async function fetchAll(): Promise<void> {
    const mine = ++newest
    const found = await fetchComments(subject())
    // Answers can arrive in another order.
    if (mine === newest) comments.value = found
  }

  const fetchSoon = (): void => void fetchAll().catch(complain)

  async function done(request: Promise<unknown>): Promise<boolean> {
    try {
      await request
      await fetchAll()
      return true
    } catch (reason) {
      complain(reason)
      return false
    }
  }

  onScopeDispose(onEvent('/comments', ({ payload }) => {
    const { kind, id } = subject()
    if (payload[`${kind}_id`] === id) fetchSoon()
  }))
  onScopeDispose(onMissed(fetchSoon))
  watch(() => subject().id, () => {
    comments.value = undefined
    fetchSoon()
  }, { immediate: true })

  const pathOf = (comment: Comment): { path: { comment_id: string } } => ({ path: { comment_id: comment.id } })
  return {
    comments,
    add: (text) => done(post(subject(), text)),
    edit: (comment, text) => done(answered(api.PUT('/api/tablao/v1/comments/{comment_id}', { params: pathOf(comment), body: { text } }))),
    remove: (comment) => done(answered(api.DELETE('/api/tablao/v1/comments/{comment_id}', { params: pathOf(comment) }))),
  }
}
