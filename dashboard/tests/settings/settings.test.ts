import { describe, expect, test } from 'vitest'
import { valueOf } from '@/settings/configuration'
import { fromForm, summary, REMOVED, toForm } from '@/settings/provisions'
import { pieces, settingGroups } from '@/settings/settingTexts'
import { complaint, fromStored, toStored, type Variable } from '@/settings/variables'

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
