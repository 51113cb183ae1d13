import { describe, expect, test } from 'vitest'
import { valueOf } from '@/settings/configuration'
import { valueFor, withValue } from '@/settings/blenderPaths'
import { fromForm, summary, REMOVED, toForm, withChanges } from '@/settings/provisions'
import { pieces, settingGroups } from '@/settings/settingTexts'
import { changedVariables, complaint, fromStored, toStored, type Variable } from '@/settings/variables'

test('a value is found by its dotted name', () => {
  expect(valueOf({ blender: { path: '/b' } }, 'blender.path')).toBe('/b')
  expect(valueOf({ blender: 1 }, 'ffmpeg.path')).toBeNull()
})

describe('provisioned settings', () => {
  test('survive the form', () => {
    const stored = {
      blender: { linux: '/b', windows: null },
      blender_version: '4.5',
      blender_args: '',
      environment: { A: '1' },
      task_types: ['blender', 'ffmpeg'],
      slots: 2,
    }

    expect(fromForm(toForm(stored))).toEqual(stored)
    expect(fromForm(toForm({}))).toEqual({})
  })

  test('that are taken away have a word of their own, and rows without a key are left out', () => {
    expect(toForm({ blender: { linux: null } }).blender).toEqual([{ key: 'linux', value: REMOVED }])
    expect(fromForm({ ...toForm({}), environment: [{ key: ' ', value: 'x' }, { key: ' A ', value: 'y' }] })).toEqual({ environment: { A: 'y' } })
  })

  test('of another user stay, of this user are written', () => {
    const before = { slots: 1, ffmpeg: '/f', environment: { A: '1', B: '2' } }
    const after = { slots: 2, environment: { A: '1', B: '3' } }

    const newest = { slots: 1, ffmpeg: '/f', task_types: ['misc'], environment: { A: '9', B: '2', C: '4' } }

    expect(withChanges(newest, before, after)).toEqual({ slots: 2, task_types: ['misc'], environment: { A: '9', B: '3', C: '4' } })
    expect(withChanges(newest, before, before)).toEqual(newest)
  })

  test('in a line', () => {
    expect(summary({ blender_args: '', slots: 1 })).toBe('blender args, slots')
    expect(summary({})).toBe('nothing')
  })
})

describe('variables', () => {
  const variable = (changes: Partial<Variable> = {}): Variable =>
    ({ name: 'storage', isTwoway: false, isDefault: false, rows: [{ value: '/s', platforms: ['linux'], audience: 'all' }], ...changes })

  test('survive the table, but for defaults', () => {
    const stored = {
      storage: { is_twoway: true, values: [{ value: '/s', platform: 'linux', audience: 'all' }] },
      tools: { is_twoway: false, values: [{ value: '/t', platforms: ['linux', 'darwin'], audience: 'workers' }] },
    }

    expect(toStored(fromStored(stored))).toEqual(stored)
    expect(toStored(fromStored(stored, true))).toEqual({})
  })

  test('without platform and audience are for all', () => {
    expect(fromStored({ a: { values: [{ value: '/a' }] } })[0]?.rows).toEqual([{ value: '/a', platforms: ['all'], audience: 'all' }])
  })

  test.each([
    [[variable()], ''],
    [[variable(), variable()], 'There are two variables called storage.'],
    [[variable({ name: 'a b' })], 'A variable needs a name'],
    [[variable({ rows: [{ value: '', platforms: [], audience: 'all' }] })], 'A value of storage is for no platform.'],
  ])('complaint %#', (variables, start) => {
    expect(complaint(variables)).toSatisfy((text: string) => (start ? text.startsWith(start) : text === ''))
  })
})

describe('texts of settings', () => {
  test('come from the page that documents them', () => {
    const texts = new Map(settingGroups.flatMap((group) => [...group.texts]))

    expect(texts.size).toBeGreaterThan(30)
    expect([...texts.values()].filter((text) => text.includes(']('))).toEqual([])
  })

  test('have code as every second piece', () => {
    expect(pieces('a `b` c')).toEqual(['a ', 'b', ' c'])
  })
})

describe('what is written of variables', () => {
  const own = (name: string, value: string): Variable => ({ name, isTwoway: false, isDefault: false, rows: [{ value, platforms: ['linux'], audience: 'all' }] })

  test('is what was changed, added or removed', () => {
    const before = [own('same', '/s'), own('changed', '/a'), own('removed', '/r'), { ...own('ffmpeg', 'ffmpeg'), isDefault: true }]

    const after = changedVariables(before, [own('same', '/s'), own('changed', '/b'), own('new', '/n')])

    expect(Object.keys(after)).toEqual(['variables.changed', 'variables.removed', 'variables.new'])
    expect(after['variables.removed']).toBeNull()
    expect(changedVariables(before, before)).toEqual({})
  })
})

describe('the path of Blender', () => {
  const blender: Variable = {
    name: 'blender', isTwoway: false, isDefault: false, rows: [
      { value: '/everywhere', platforms: ['all'], audience: 'all' },
      { value: '/unix', platforms: ['linux', 'darwin'], audience: 'all' },
      { value: '/mine', platforms: ['linux'], audience: 'users' },
    ],
  }

  test.each([['linux', '/unix'], ['darwin', '/unix'], ['windows', '/everywhere']])('on %s is %s', (platform, value) => {
    expect(valueFor(blender, platform)).toBe(value)
  })

  test('of workers comes before that of all', () => {
    const rows = [{ value: '/w', platforms: ['linux'], audience: 'workers' as const }, { value: '/a', platforms: ['linux'], audience: 'all' as const }]

    expect(valueFor({ ...blender, rows }, 'linux')).toBe('/w')
    expect(valueFor(undefined, 'linux')).toBe('')
  })

  test('is changed for one platform only', () => {
    const changed = withValue(blender, 'linux', '/new')

    expect(['linux', 'darwin', 'windows'].map((each) => valueFor(changed, each))).toEqual(['/new', '/unix', '/everywhere'])
    expect(changed.rows).toContainEqual({ value: '/mine', platforms: ['linux'], audience: 'users' })
    expect(valueFor(withValue(undefined, 'linux', '/new'), 'linux')).toBe('/new')
    expect(valueFor(withValue(blender, 'linux', ''), 'linux')).toBe('/everywhere')
  })
})
