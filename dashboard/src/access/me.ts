/** Who uses this page, and what they may do. The manager decides; the page offers no more than that. */

import { readonly, shallowRef } from 'vue'
import { answered, api, type Schemas } from '@/api/client'

export type Me = Schemas['Me']
export type Permission = Schemas['Permission']
export type Role = Schemas['Role']

const known = shallowRef<Me>()

/** Undefined until the manager has answered. */
export const me = readonly(known)

async function fetchMe(): Promise<Me> {
  const found = await answered(api.GET('/api/tablao/v1/me'))
  known.value = found
  return found
}

/** Whether the user has one of these permissions. */
export function may(...anyOf: Permission[]): boolean {
  return anyOf.some((each) => known.value?.permissions.includes(each))
}

/** For the permission to change jobs: the user's own, or all. The manager knows whose a job is. */
export const mayChangeJobs = (): boolean => may('jobs:own', 'jobs:all')

/** Whether the manager still answers this page. It counts as yes while the manager cannot be reached. */
export async function isSomebody(): Promise<boolean> {
  try {
    return (await fetchMe()).kind !== 'nobody'
  } catch {
    return true
  }
}
