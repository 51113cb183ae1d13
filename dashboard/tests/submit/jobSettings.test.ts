import { expect, test } from 'vitest'
import { beginning, filled, isForBlender, isMissing, labelOf, sample, withOutput, type JobSetting } from '@/submit/jobSettings'

const setting = (key: string, changes: Partial<JobSetting> = {}): JobSetting => ({ key, type: 'string', ...changes }) as JobSetting

test('a label is made of the key where there is none', () => {
  expect(labelOf({ key: 'render_output_root' } as JobSetting)).toBe('Render Output Root')
  expect(labelOf(setting('fps', { label: 'Frames per second' }))).toBe('Frames per second')
})

test('hidden settings, and those that Blender computes for the web, are Blender\'s', () => {
  expect(isForBlender(setting('a', { visible: 'hidden' } as Partial<JobSetting>))).toBe(true)
  expect(isForBlender(setting('a', { visible: 'web', eval: '1' } as Partial<JobSetting>))).toBe(true)
  expect(isForBlender(setting('a', { visible: 'web' } as Partial<JobSetting>))).toBe(false)
  expect(isForBlender(setting('a'))).toBe(false)
})

test.each([
  [true, '', true],
  [true, null, true],
  [true, undefined, true],
  [true, 0, false],
  [true, false, false],
  [false, '', false],
])('required: %s, value: %j, missing: %s', (required, value, expected) => {
  expect(isMissing(setting('a', { required }), value)).toBe(expected)
})

test('a form begins with the default, else with the usual scene, else empty', () => {
  const settings = [setting('fps', { default: 30 }), setting('format'), setting('loud', { type: 'bool' }), setting('other')]

  expect(beginning(settings)).toEqual({ fps: 30, format: 'PNG', loud: false, other: null })
})

test('a sample has a value for all that is required', () => {
  const settings = [
    setting('frames'),
    setting('quality', { required: true, choices: ['low', 'high'] } as Partial<JobSetting>),
    setting('count', { required: true, type: 'int32' }),
    setting('note'),
    setting('render_output_root'),
    setting('render_output_path'),
  ]

  expect(sample(settings)).toEqual({
    frames: '1-10',
    quality: 'low',
    count: 1,
    note: null,
    render_output_root: '{jobs}/renders',
    render_output_path: '{jobs}/renders/Test/{timestamp}/######',
  })
})

test('the output path is made of root and name, unless it is given', () => {
  const values = { render_output_root: '/r/', render_output_path: null }

  expect(withOutput(values, 'a/b: c').render_output_path).toBe('/r/a_b_ c/{timestamp}/######')
  expect(withOutput(values, '').render_output_path).toBe('/r/job/{timestamp}/######')
  expect(withOutput({ ...values, render_output_path: '/x' }, 'a').render_output_path).toBe('/x')
  expect(withOutput({ render_output_root: '/r' }, 'a')).toEqual({ render_output_root: '/r' })
})

test('what is empty is not submitted', () => {
  expect(filled({ a: '', b: null, c: 0, d: false, e: 'x' })).toEqual({ c: 0, d: false, e: 'x' })
})
