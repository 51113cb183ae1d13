/** The tabs of a job's details, in their order. */

export const TABS = ['overview', 'tasks', 'frames', 'settings', 'statistics', 'comments', 'history'] as const

export type Tab = (typeof TABS)[number]

export const TAB_LABELS: Record<Tab, string> = {
  overview: 'Overview',
  tasks: 'Tasks',
  frames: 'Frames',
  settings: 'Settings',
  statistics: 'Statistics',
  comments: 'Comments',
  history: 'History',
}
