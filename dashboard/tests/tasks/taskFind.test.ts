import { expect, test } from 'vitest'
import { isFound } from '@/tasks/taskFind'
import { task } from '../rows'

const render = task({ name: 'render-51-60', index_in_job: 6, status: 'soft-failed', worker: { id: 'w', name: 'Anita', address: '' } })

test.each(['render', '51-60', '#6', 'soft', 'anita', '55', '51', '60'])('%s finds the task', (wanted) => {
  expect(isFound(render, wanted)).toBe(true)
})

test.each(['61', '#7', 'bruno', '5x'])('%s does not', (wanted) => {
  expect(isFound(render, wanted)).toBe(false)
})
