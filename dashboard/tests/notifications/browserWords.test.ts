import { expect, test } from 'vitest'
import { shownOf, type Told, type Wish } from '@/notifications/browserWords'
import { KINDS } from '@/notifications/words'

const ALL: Wish = { isOn: true, kinds: KINDS, scope: 'all', project: '' }
const failed = (...items: Told['items']): Told => ({ id: 1, kind: 'job-failed', items })

test('one happening is named and leads to its page', () => {
  expect(shownOf([failed({ name: 'sh010 $& NAME', text: 'no camera', job_id: 'j1' })], ALL, ''))
    .toEqual([{ title: 'sh010 $& NAME failed', body: 'no camera', to: '/jobs/j1' }])
})

test('many of one kind are one notification with a count, over several events', () => {
  const many = Array.from({ length: 2_000 }, (_, number) => ({ name: `job ${number}` }))
  const told = [failed(...many.slice(0, 1_000)), failed(...many.slice(1_000))]

  expect(shownOf(told, ALL, '')).toEqual([
    { title: '2,000 jobs failed', body: 'job 0\njob 1\njob 2\njob 3\njob 4\nand 1995 more', to: '/jobs' },
  ])
})

test.each([
  ['mine', '', 'ana', 1],
  ['mine', '', '', 0],
  ['mine', '', 'bernat', 0],
  ['project', 'Pilot', 'x', 1],
  ['project', 'Trailer', 'x', 0],
  ['project', '', 'x', 0],
  ['all', '', '', 1],
] as const)('about %s %s for %s', (scope, project, myId, count) => {
  const fact = { name: 'sh010', project: 'Pilot', owner: 'ana' }

  expect(shownOf([failed(fact)], { ...ALL, scope, project }, myId)).toHaveLength(count)
})

test('kinds that are not wanted are not shown', () => {
  expect(shownOf([failed({ name: 'x' })], { ...ALL, kinds: ['job-done'] }, '')).toEqual([])
})

test.each(KINDS)('%s has words for one and for many', (kind) => {
  const [one] = shownOf([{ id: 1, kind, items: [{ name: 'x' }] }], ALL, '')
  const [two] = shownOf([{ id: 1, kind, items: [{ name: 'x' }, { name: 'y' }] }], ALL, '')

  expect(one?.title).toContain('x')
  expect(two?.title).toMatch(/^2 /)
})
