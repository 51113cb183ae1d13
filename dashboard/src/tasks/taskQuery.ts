/** The tab of a job's tasks and their filters, in the page's address. */

import type { RouteLocationNormalizedLoaded } from 'vue-router'
import { TABS, type Tab } from '@/jobdetails/tabs'

type Address = Pick<RouteLocationNormalizedLoaded, 'params' | 'query'>

/** The tab that is open; an address with a task is about tasks. */
export function tabOf({ params, query }: Address): Tab {
  return TABS.find((each) => each === query.tab) ?? (params.taskId ? 'tasks' : 'overview')
}

/** Whether the page shows the first tasks in their order: without a filter. */
export const isFirstWanted = (address: Address): boolean =>
  tabOf(address) === 'tasks' && !address.query.tasks && !address.query.find
