/** Finds, checks and saves the shared storage and Blender. */

import { ref, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'

export type BlenderFound = Schemas['BlenderPathCheckResult']
export type StorageFound = Schemas['PathCheckResult']

interface Setup {
  isFirstRun: Ref<boolean>
  storage: Ref<StorageFound | undefined>
  blenders: Ref<readonly BlenderFound[]>
  checkStorage: (path: string) => Promise<void>
  findBlenders: () => Promise<void>
  /** Adds the Blender to the found ones, whether it is usable or not. */
  checkBlender: (path: string) => Promise<BlenderFound>
  save: (storage: string, blender: BlenderFound) => Promise<void>
}

/** Shared by all components: the banner goes when the assistant is done. */
const isFirstRun = ref(false)

export async function fetchFirstRun(): Promise<void> {
  isFirstRun.value = (await answered(api.GET('/api/v3/configuration'))).isFirstRun
}

export function useSetup(): Setup {
  const storage = ref<StorageFound>()
  const blenders = ref<readonly BlenderFound[]>([])

  async function checkStorage(path: string): Promise<void> {
    storage.value = await answered(api.POST('/api/v3/configuration/check/shared-storage', { body: { path } }))
  }

  async function findBlenders(): Promise<void> {
    const found = await answered(api.GET('/api/v3/configuration/check/blender'))
    // The user may have had a path checked meanwhile.
    blenders.value = [...found, ...blenders.value.filter(({ input }) => found.every((one) => one.input !== input))]
  }

  async function checkBlender(path: string): Promise<BlenderFound> {
    const found = await answered(api.POST('/api/v3/configuration/check/blender', { body: { path } }))
    blenders.value = [...blenders.value.filter(({ input }) => input !== found.input), found]
    return found
  }

  async function save(storageLocation: string, blenderExecutable: BlenderFound): Promise<void> {
    const body = { storageLocation, blenderExecutable }
    await answered(api.POST('/api/v3/configuration/setup-assistant', { body }))
    await fetchFirstRun()
  }

  return { isFirstRun, storage, blenders, checkStorage, findBlenders, checkBlender, save }
}
