import { expect, test } from 'vitest'
import { answered, Refusal } from '@/api/client'

const answer = (status: number, error?: unknown): Promise<{ data?: string; error?: unknown; response: Response }> =>
  Promise.resolve({ data: 'content', error, response: new Response(null, { status }) })

test('an answer is its content', async () => {
  expect(await answered(answer(200))).toBe('content')
})

test.each([
  [{ message: 'it has come to its end' }, 'it has come to its end'],
  ['plain text', 'plain text'],
  [undefined, 'The manager answered 422'],
  [{ detail: 'x' }, 'The manager answered 422'],
])('a refusal says why: %j', async (error, message) => {
  await expect(answered(answer(422, error))).rejects.toThrow(new Refusal(message, 422))
})

test('no answer at all is a refusal, too', async () => {
  await expect(answered(Promise.reject(new TypeError('network')))).rejects.toThrow(new Refusal('The manager cannot be reached'))
})
