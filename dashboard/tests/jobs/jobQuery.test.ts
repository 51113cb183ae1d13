import { describe, expect, test } from 'vitest'
import { facetOf, isFiltered, parsed, wanted, written, type JobQuery } from '@/jobs/jobQuery'
import { job } from '../rows'

const TAGS = new Map([['tag-1', 'slow']])
const shot = job({
  id: 'abc-1',
  name: 'Shot 010 Lighting',
  status: 'active',
  worker_tag: 'tag-1',
  metadata: { 'project': 'Pilot', 'user.name': 'ana', 'note': 'Final take' },
})

const query = (changes: Partial<JobQuery>): JobQuery => ({ ...parsed({}), ...changes })
const isWanted = (changes: Partial<JobQuery>): boolean => wanted(query(changes), TAGS)(shot)

describe('in the address', () => {
  test('nothing is every job, newest first', () => {
    expect(written(parsed({}))).toEqual({})
    expect(parsed({}).sort).toBeUndefined()
  })

  test('a query is read as it was written', () => {
    const all = query({
      text: 'sh010 light',
      metadata: 'shot:010',
      chosen: { status: ['active', 'failed'], type: [], project: ['Pilot'], user: [''], tag: ['slow'] },
      sort: { key: 'name', isDescending: true },
      isArchive: true,
    })

    expect(parsed(written(all) as Parameters<typeof parsed>[0])).toEqual(all)
  })

  test('one value of a facet needs no list', () => {
    expect(parsed({ status: 'failed' }).chosen.status).toEqual(['failed'])
  })
})

describe('text', () => {
  test.each([
    ['', true],
    ['lighting', true],
    ['LIGHT 010', true],
    ['lighting 020', false],
    ['abc', true],
    ['bc-1', false],
    ['simple-blender', true],
    ['final', true],
  ])('"%s" finds the job: %s', (text, isFound) => {
    expect(isWanted({ text })).toBe(isFound)
  })
})

describe('metadata', () => {
  test.each([
    ['project', true],
    ['shot', false],
    ['project:pil', true],
    ['project:trailer', false],
    ['project:pilot, user.name:ana', true],
    ['project:pilot user.name:bernat', false],
    ['note:final take, project:pilot', true],
    // The last word without a colon is a key.
    ['note:final take', false],
  ])('"%s" finds the job: %s', (metadata, isFound) => {
    expect(isWanted({ metadata })).toBe(isFound)
  })
})

describe('facets', () => {
  test('let through any of the chosen values, and must all agree', () => {
    const chosen = { ...parsed({}).chosen, status: ['failed', 'active'], tag: ['slow'] }

    expect(isWanted({ chosen })).toBe(true)
    expect(isWanted({ chosen: { ...chosen, project: ['Trailer'] } })).toBe(false)
  })

  test('can be left out, to count what else could be chosen', () => {
    const chosen = { ...parsed({}).chosen, status: ['failed'] }

    expect(wanted(query({ chosen }), TAGS, 'status')(shot)).toBe(true)
  })

  test('a tag stands by its name, or by its id until the name is known', () => {
    expect(facetOf(shot, 'tag', TAGS)).toBe('slow')
    expect(facetOf(shot, 'tag', new Map())).toBe('tag-1')
    expect(facetOf(job(), 'tag', TAGS)).toBe('')
  })
})

test('only text, metadata and facets filter; sorting does not', () => {
  expect(isFiltered(query({ sort: { key: 'name', isDescending: false } }))).toBe(false)
  expect(isFiltered(query({ text: 'x' }))).toBe(true)
  expect(isFiltered(query({ chosen: { ...parsed({}).chosen, user: ['ana'] } }))).toBe(true)
})
