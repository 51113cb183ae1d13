/** The settings that a job type declares, without hidden ones: those are computed, or only scripts set them. */

import { answered, api, type Schemas } from '@/api/client'

export type DeclaredSetting = Schemas['AvailableJobSetting']

export async function fetchDeclared(jobType: string): Promise<DeclaredSetting[]> {
  const params = { path: { typeName: jobType } }
  const found = await answered(api.GET('/api/v3/jobs/type/{typeName}', { params }))
  return found.settings.filter((setting) => setting.visible !== 'hidden')
}
