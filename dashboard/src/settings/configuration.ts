/** Fetches and changes the manager's configuration. */

import { ref, type Ref } from 'vue'
import { answered, api, Refusal, type Schemas } from '@/api/client'

type Configuration = Schemas['ConfigurationInForce']
export type ConfigurationField = Schemas['ConfigurationField']
export type SettingValue = string | number | boolean | null

/** Why a change was refused; `name` is the setting's, when the sentence begins with it. */
interface SettingRefusal {
  name?: string
  text: string
}

interface UsedConfiguration {
  configuration: Ref<Configuration | undefined>
  refusal: Ref<SettingRefusal | undefined>
  fetchConfiguration: () => Promise<void>
  /** Changes settings by their dotted names; null removes one from the file. False if it was refused. */
  change: (changes: Record<string, unknown>) => Promise<boolean>
}

export function useConfiguration(): UsedConfiguration {
  const configuration = ref<Configuration>()
  const refusal = ref<SettingRefusal>()

  async function fetchConfiguration(): Promise<void> {
    configuration.value = await answered(api.GET('/api/tablao/v1/configuration'))
  }

  async function change(changes: Record<string, unknown>): Promise<boolean> {
    refusal.value = undefined
    try {
      configuration.value = await answered(api.PATCH('/api/tablao/v1/configuration', { body: changes }))
      return true
    } catch (reason) {
      if (!(reason instanceof Refusal)) throw reason
      refusal.value = refusalOf(reason.message)
      return false
    }
  }

  return { configuration, refusal, fetchConfiguration, change }
}

function refusalOf(message: string): SettingRefusal {
  const [, name, text] = /^Setting ([\w.]+): (.*)$/s.exec(message) ?? []
  return name && text ? { name, text } : { text: message }
}

/** A value by its dotted name. */
export function valueOf(values: Record<string, unknown>, name: string): SettingValue {
  let value: unknown = values
  for (const part of name.split('.')) value = (value as Record<string, unknown> | undefined)?.[part]
  return (value ?? null) as SettingValue
}
