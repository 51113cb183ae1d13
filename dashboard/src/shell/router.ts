/** The addresses of the views. Filters are in the query, so that an address can be sent to others. */

import { createRouter, createWebHistory } from 'vue-router'

export const router = createRouter({
  history: createWebHistory(new URL(document.baseURI).pathname),
  routes: [
    { path: '/', redirect: '/jobs' },
    { path: '/jobs/:jobId?', name: 'jobs', component: () => import('@/jobs/JobsView.vue') },
    { path: '/jobs/:jobId/tasks/:taskId', name: 'task', component: () => import('@/jobs/JobsView.vue') },
    { path: '/workers/:workerId?', name: 'workers', component: () => import('@/workers/WorkersView.vue') },
    { path: '/last-rendered', name: 'last-rendered', component: () => import('@/lastrendered/LastRenderedView.vue') },
    { path: '/settings/:page?', name: 'settings', component: () => import('@/settings/SettingsView.vue') },
    { path: '/submit', name: 'submit', component: () => import('@/submit/SubmitView.vue') },
    { path: '/login', name: 'login', component: () => import('@/access/LoginPage.vue') },
    { path: '/account', name: 'account', component: () => import('@/access/AccountPage.vue') },
    { path: '/give-access', name: 'give-access', component: () => import('@/access/GiveAccessPage.vue') },
    { path: '/:rest(.*)', component: () => import('@/shell/NotFound.vue') },
  ],
})
