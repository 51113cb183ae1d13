/** Who uses this page, and what they may do. The manager decides; the page offers no more than that. */

import { readonly, ref, shallowRef } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { isFormUsed } from '@/shared/formUse'

export type Me = Schemas['Me']
export type Permission = Schemas['Permission']
export type Role = Schemas['Role']

const known = shallowRef<Me>()

/** Undefined until the manager has answered. */
export const me = readonly(known)

const ended = ref(false)

/** Whether the user's login has ended while there was something typed. The page stays as it is, out of sight. */
export const hasLoginEnded = readonly(ended)

async function fetchMe(): Promise<Me> {
  const found = await answered(api.GET('/api/tablao/v1/me'))
  const wasSomebody = known.value !== undefined && known.value.kind !== 'nobody'
  ended.value = found.kind === 'nobody' && wasSomebody && (ended.value || isFormUsed())
  if (!ended.value) known.value = found
  return found
}

/** Whether the user has one of these permissions. */
export function may(...anyOf: Permission[]): boolean {
  return anyOf.some((each) => known.value?.permissions.includes(each))
}

/** Whether the user may change this job: every job, or only the user's own. */
export function mayChangeJob({ owner }: { owner?: string | null }): boolean {
  const isOwn = Boolean(owner) && owner === known.value?.id
  return may('jobs:all') || (isOwn && may('jobs:own'))
}

/** Whether the manager still answers this page. It counts as yes while the manager cannot be reached. */
export async function isSomebody(): Promise<boolean> {
  try {
    return (await fetchMe()).kind !== 'nobody'
  } catch {
    return true
  }
}
