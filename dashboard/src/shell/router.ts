/** The addresses of the views. Filters are in the query, so that an address can be sent to others. */

import { createRouter, createWebHistory } from 'vue-router'
import { beginJob } from '@/jobdetails/useJob'
import { isPlain, parsed } from '@/jobs/jobQuery'
import { beginJobs } from '@/jobs/jobStore'
import { beginTasks } from '@/tasks/taskStore'
import { isFirstWanted } from '@/tasks/taskQuery'
import { lazyPage } from './lazyPage'

export const router = createRouter({
  history: createWebHistory(new URL(document.baseURI).pathname),
  routes: [
    { path: '/', redirect: '/jobs' },
    { path: '/jobs/:jobId?', name: 'jobs', component: lazyPage(() => import('@/jobs/JobsView.vue')) },
    { path: '/jobs/:jobId/tasks/:taskId', name: 'task', component: lazyPage(() => import('@/jobs/JobsView.vue')) },
    { path: '/jobs/:jobId/tasks/:taskId/log', name: 'task-log', component: lazyPage(() => import('@/tasklog/TaskLogPage.vue')) },
    { path: '/compare', name: 'compare', component: lazyPage(() => import('@/compare/ComparePage.vue')) },
    { path: '/workers/:workerId?', name: 'workers', component: lazyPage(() => import('@/workers/WorkersView.vue')) },
    { path: '/last-rendered', name: 'last-rendered', component: lazyPage(() => import('@/lastrendered/LastRenderedView.vue')) },
    { path: '/wall', name: 'wall', component: lazyPage(() => import('@/wall/WallView.vue')), meta: { isBare: true } },
    { path: '/history', name: 'history', component: lazyPage(() => import('@/history/HistoryView.vue')) },
    { path: '/settings/:page?', name: 'settings', component: lazyPage(() => import('@/settings/SettingsView.vue')) },
    { path: '/submit', name: 'submit', component: lazyPage(() => import('@/submit/SubmitView.vue')) },
    { path: '/login', name: 'login', component: lazyPage(() => import('@/access/LoginPage.vue')) },
    { path: '/account', name: 'account', component: lazyPage(() => import('@/access/AccountPage.vue')) },
    { path: '/give-access', name: 'give-access', component: lazyPage(() => import('@/access/GiveAccessPage.vue')) },
    { path: '/:rest(.*)', component: lazyPage(() => import('@/shell/NotFound.vue')) },
  ],
})

/** Loads the code of the address's page at once, while the manager is asked who this is. */
export function loadCodeOfPage(): void {
  const { matched } = router.resolve(router.options.history.location)
  for (const { components } of matched) {
    const load = components?.default
    if (typeof load === 'function') void (load as () => Promise<unknown>)()
  }
}

/** Asks for the rows of the address's page, while its code is loaded. To be called after `requireLogin`: live events come first. */
export function askForFirstRows(): void {
  const stop = router.beforeEach((to) => {
    stop()
    if (to.name !== 'jobs' && to.name !== 'task') return
    const { jobId } = to.params
    if (typeof jobId === 'string' && jobId) {
      beginTasks({ jobId, hasFirst: isFirstWanted(to) })
      beginJob(jobId)
    }
    beginJobs(isPlain(parsed(to.query)))
  })
}
