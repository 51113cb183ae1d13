import { expect, test } from 'vitest'
import { questionBefore } from '@/jobs/questions'
import { job } from '../rows'

test.each(['pause', 'resume', 'requeue-failed'] as const)('%s can be undone, so it is not asked about', async (action) => {
  expect(await questionBefore(action, [job()])).toBeUndefined()
})

test('requeueing asks only when completed jobs would be rendered again', async () => {
  expect(await questionBefore('requeue', [job({ status: 'failed' })])).toBeUndefined()

  const question = await questionBefore('requeue', [job({ status: 'failed' }), job({ name: 'Done', status: 'completed' })])

  expect(question).toMatchObject({ title: 'Render 1 job again from the beginning?', confirm: 'Requeue 2 jobs', isDangerous: true })
  expect(question?.text).toMatch(/^Done\n\n/)
})

test('at most five jobs are named', async () => {
  const jobs = Array.from({ length: 7 }, (_, place) => job({ name: `job ${place}` }))

  const question = await questionBefore('cancel', jobs)

  expect(question?.title).toBe('Cancel 7 jobs?')
  expect(question?.text).toContain('job 4\nand 2 more\n\n')
})

test('deleting says what is canceled first', async () => {
  const running = await questionBefore('delete', [job({ status: 'active' })])
  const ended = await questionBefore('delete', [job({ status: 'failed' })])

  expect(running?.text).toContain('canceled first')
  expect(ended?.text).not.toContain('canceled first')
})
