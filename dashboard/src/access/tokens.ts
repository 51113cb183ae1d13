/** The tokens of the user's own account, or of another one for an administrator. */

import { shallowRef, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { complain } from '@/shared/notices'

export type Token = Schemas['Token']
export type TokenRequest = Schemas['TokenRequest']

interface UsedTokens {
  tokens: Readonly<Ref<readonly Token[]>>
  /** Returns the secret, which the manager shows once. */
  create: (body: TokenRequest) => Promise<string>
  remove: (token: Token) => Promise<void>
}

export async function createMyToken(body: TokenRequest): Promise<string> {
  return (await answered(api.POST('/api/tablao/v1/me/tokens', { body }))).secret
}

/** `accountId` is undefined for the user's own. */
export function useTokens(accountId?: string): UsedTokens {
  const tokens = shallowRef<readonly Token[]>([])
  const params = { path: { account_id: accountId ?? '' } }

  async function refetch(): Promise<void> {
    const found = accountId
      ? answered(api.GET('/api/tablao/v1/accounts/{account_id}/tokens', { params }))
      : answered(api.GET('/api/tablao/v1/me/tokens'))
    tokens.value = (await found).tokens
  }

  async function create(body: TokenRequest): Promise<string> {
    const secret = accountId
      ? (await answered(api.POST('/api/tablao/v1/accounts/{account_id}/tokens', { params, body }))).secret
      : await createMyToken(body)
    void refetch().catch(complain)
    return secret
  }

  async function remove({ id: token_id }: Token): Promise<void> {
    if (accountId) await answered(api.DELETE('/api/tablao/v1/accounts/{account_id}/tokens/{token_id}', { params: { path: { ...params.path, token_id } } }))
    else await answered(api.DELETE('/api/tablao/v1/me/tokens/{token_id}', { params: { path: { token_id } } }))
    await refetch()
  }

  void refetch().catch(complain)
  return { tokens, create, remove }
}
