/** The accounts of people and services, for administrators. */

import { shallowRef, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'
import { complain } from '@/shared/notices'

export type Account = Schemas['Account']
type AccountRequest = Schemas['AccountRequest']
type AccountChange = Schemas['AccountChange']

interface UsedAccounts {
  accounts: Readonly<Ref<readonly Account[]>>
  create: (body: AccountRequest) => Promise<void>
  change: (account: Account, body: AccountChange) => Promise<void>
  endSessions: (account: Account) => Promise<void>
  remove: (account: Account) => Promise<void>
}

export function useAccounts(): UsedAccounts {
  const accounts = shallowRef<readonly Account[]>([])

  async function refetch(): Promise<void> {
    accounts.value = (await answered(api.GET('/api/tablao/v1/accounts'))).accounts
  }

  /** A refusal leaves the list as it is in the manager, too. */
  async function then(asking: Promise<unknown>): Promise<void> {
    await asking.finally(() => void refetch().catch(complain))
  }

  const at = ({ id }: Account): { path: { account_id: string } } => ({ path: { account_id: id } })
  void refetch().catch(complain)
  return {
    accounts,
    create: (body) => then(answered(api.POST('/api/tablao/v1/accounts', { body }))),
    change: (account, body) => then(answered(api.PATCH('/api/tablao/v1/accounts/{account_id}', { params: at(account), body }))),
    endSessions: (account) => then(answered(api.DELETE('/api/tablao/v1/accounts/{account_id}/sessions', { params: at(account) }))),
    remove: (account) => then(answered(api.DELETE('/api/tablao/v1/accounts/{account_id}', { params: at(account) }))),
  }
}
