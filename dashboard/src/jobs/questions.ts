/** The question before an action. Actions that can be undone have none. */

import type { Job } from '@/api/client'
import type { JobAction } from '@/shared/actions.gen'
import { countText } from '@/shared/bulkAction'
import { checkoutsOf, jobsText } from './jobActions'

export interface Question {
  title: string
  text: string
  confirm: string
  isDangerous?: boolean
}

const MOST_NAMES = 5

export async function questionBefore(action: JobAction, jobs: readonly Job[]): Promise<Question | undefined> {
  const count = jobsText(jobs)
  switch (action) {
    case 'cancel':
      return {
        title: `Cancel ${count}?`,
        text: `${names(jobs)}\n\nFrames that are being rendered now are lost; finished ones stay. A requeued job goes on from there.`,
        confirm: `Cancel ${count}`,
        isDangerous: true,
      }
    case 'requeue':
      return beforeRequeue(jobs)
    case 'archive':
      return {
        title: `Archive ${count}?`,
        text: `${names(jobs)}\n\nSettings, statistics and the last image are kept. Tasks and logs are deleted, so an archived job cannot be requeued, and this cannot be undone. Rendered frames are not touched.`,
        confirm: `Archive ${count}`,
      }
    case 'delete':
      return beforeDeletion(jobs)
    default:
      return undefined
  }
}

function beforeRequeue(jobs: readonly Job[]): Question | undefined {
  const completed = jobs.filter((job) => job.status === 'completed')
  if (!completed.length) return undefined
  return {
    title: `Render ${jobsText(completed)} again from the beginning?`,
    text: `${names(completed)}\n\nAll its tasks are complete. All frames will be rendered again, and replace those that are there.`,
    confirm: `Requeue ${jobsText(jobs)}`,
    isDangerous: true,
  }
}

async function beforeDeletion(jobs: readonly Job[]): Promise<Question> {
  const checkouts = await checkoutsOf(jobs)
  const isRunning = jobs.some((job) => job.status === 'active' || job.status === 'queued')
  const sentences = [
    'Their tasks, logs and last images are deleted. Rendered frames are not touched.',
    checkouts ? `The files that were sent for ${countText(checkouts, 'job')} (Shaman checkouts) are deleted, too.` : '',
    isRunning ? 'Unfinished tasks are canceled first.' : '',
    'This cannot be undone.',
  ]
  return {
    title: `Delete ${jobsText(jobs)}?`,
    text: `${names(jobs)}\n\n${sentences.filter(Boolean).join(' ')}`,
    confirm: `Delete ${jobsText(jobs)}`,
    isDangerous: true,
  }
}

function names(jobs: readonly Job[]): string {
  const shown = jobs.slice(0, MOST_NAMES).map((job) => job.name)
  if (jobs.length > MOST_NAMES) shown.push(`and ${jobs.length - MOST_NAMES} more`)
  return shown.join('\n')
}
