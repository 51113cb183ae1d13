/** The farm's webhooks and their deliveries, for administrators. */

import { shallowRef, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { complain } from '@/shared/notices'

export type Webhook = Schemas['Webhook']
export type Delivery = Schemas['Delivery']
export type NewWebhook = Schemas['NewWebhookRequest']
type WebhookChange = Schemas['WebhookChange']

interface UsedWebhooks {
  /** Undefined until they are there. */
  webhooks: Readonly<Ref<readonly Webhook[] | undefined>>
  /** Returns the secret. */
  create: (body: NewWebhook) => Promise<string>
  change: (webhook: Webhook, body: WebhookChange) => Promise<void>
  renewSecret: (webhook: Webhook) => Promise<string>
  remove: (webhook: Webhook) => Promise<void>
  refetch: () => Promise<void>
}

const at = ({ id }: Webhook): { path: { webhook_id: string } } => ({ path: { webhook_id: id } })

export function useWebhooks(): UsedWebhooks {
  const webhooks = shallowRef<readonly Webhook[]>()

  async function refetch(): Promise<void> {
    webhooks.value = (await answered(api.GET('/api/tablao/v1/webhooks'))).webhooks
  }

  async function then<T>(asking: Promise<T>): Promise<T> {
    const found = await asking
    await refetch()
    return found
  }

  void refetch().catch(complain)
  return {
    webhooks,
    create: async (body) => (await then(answered(api.POST('/api/tablao/v1/webhooks', { body })))).secret,
    change: async (webhook, body) => void await then(answered(api.PUT('/api/tablao/v1/webhooks/{webhook_id}', { params: at(webhook), body }))),
    renewSecret: async (webhook) => (await answered(api.POST('/api/tablao/v1/webhooks/{webhook_id}/secret', { params: at(webhook) }))).secret,
    remove: async (webhook) => void await then(answered(api.DELETE('/api/tablao/v1/webhooks/{webhook_id}', { params: at(webhook) }))),
    refetch,
  }
}

export async function fetchDeliveries(webhook: Webhook): Promise<readonly Delivery[]> {
  return (await answered(api.GET('/api/tablao/v1/webhooks/{webhook_id}/deliveries', { params: at(webhook) }))).deliveries
}

export async function sendTest(webhook: Webhook): Promise<void> {
  await answered(api.POST('/api/tablao/v1/webhooks/{webhook_id}/test', { params: at(webhook) }))
}

export async function resend(delivery: Delivery): Promise<void> {
  const params = { path: { delivery_id: delivery.id } }
  await answered(api.POST('/api/tablao/v1/deliveries/{delivery_id}/resend', { params }))
}
