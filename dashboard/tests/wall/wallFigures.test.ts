import { expect, test } from 'vitest'
import { activeJobs, failedLately } from '@/wall/wallFigures'
import { job as jobRow } from '../rows'

const NOW = Date.parse('2026-05-02T12:00:00Z')

test('active jobs come by priority, then by age', () => {
  const jobs = [
    jobRow({ id: 'young', status: 'active', priority: 50, created: '2026-05-02T10:00:00Z' }),
    jobRow({ id: 'old', status: 'active', priority: 50, created: '2026-05-01T10:00:00Z' }),
    jobRow({ id: 'urgent', status: 'active', priority: 90, created: '2026-05-02T11:00:00Z' }),
    jobRow({ id: 'queued', status: 'queued', priority: 99 }),
  ]

  expect(activeJobs(jobs).map(({ id }) => id)).toEqual(['urgent', 'old', 'young'])
})

test('jobs that failed in the last day come newest first', () => {
  const jobs = [
    jobRow({ id: 'yesterday', status: 'failed', updated: '2026-05-01T12:00:01Z' }),
    jobRow({ id: 'longer ago', status: 'failed', updated: '2026-05-01T11:59:59Z' }),
    jobRow({ id: 'now', status: 'failed', updated: '2026-05-02T11:59:00Z' }),
    jobRow({ id: 'well', status: 'completed', updated: '2026-05-02T11:59:00Z' }),
  ]

  expect(failedLately(jobs, NOW).map(({ id }) => id)).toEqual(['now', 'yesterday'])
})
