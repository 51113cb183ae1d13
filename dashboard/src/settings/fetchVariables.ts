/** Fetches the farm's variables. */

import { answered, api } from '@/api/client'
import { fromStored, type Variable } from './variables'

/** All variables: the built-in ones that the file does not set come first. */
export async function fetchVariables(): Promise<Variable[]> {
  const [file, { values }] = await Promise.all([
    answered(api.GET('/api/v3/configuration/file')), answered(api.GET('/api/tablao/v1/configuration')),
  ])
  const own = fromStored((values.variables ?? {}) as Record<string, unknown>)
  const all = fromStored((file as Record<string, Record<string, unknown>>).variables ?? {}, true)
  return [...all.filter(({ name }) => !own.some((one) => one.name === name)), ...own]
}
