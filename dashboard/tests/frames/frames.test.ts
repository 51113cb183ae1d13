import { describe, expect, test } from 'vitest'
import { linkTo, whyNot } from '@/frames/externalViewer'
import { gaps, missingInWords } from '@/frames/gaps'
import { commandOf } from '@/frames/keys'
import type { Frame } from '@/frames/useFrames'

const frames = (...missing: number[]): Frame[] =>
  Array.from({ length: 10 }, (_, place) => ({ frame: place + 1, exists: !missing.includes(place + 1) }) as Frame)

describe('missing frames', () => {
  test('in percent of the line', () => {
    expect(gaps(frames(1, 2, 10))).toEqual([{ start: 0, end: 20 }, { start: 90, end: 100 }])
    expect(gaps(frames())).toEqual([])
    expect(gaps([])).toEqual([])
  })

  test('of thousands, in pieces that can be told apart', () => {
    const many = Array.from({ length: 5_000 }, (_, place) => ({ frame: place, exists: place !== 4_999 }) as Frame)

    expect(gaps(many)).toEqual([{ start: 99.8, end: 100 }])
  })

  test.each([
    [[], ''],
    [[2], '2'],
    [[2, 5, 6, 7], '2, 5–7'],
    [[1, 3, 5, 7, 9, 10], '1, 3, 5, 7 and 2 others'],
  ])('%j in words: "%s"', (missing, text) => {
    expect(missingInWords(frames(...missing))).toBe(text)
  })
})

describe('a key', () => {
  function pressed(key: string, changes: KeyboardEventInit = {}, target: EventTarget = document.body): ReturnType<typeof commandOf> {
    const event = new KeyboardEvent('keydown', { key, ...changes })
    Object.defineProperty(event, 'target', { value: target })
    return commandOf(event)
  }
  function field(type: string): HTMLInputElement {
    return Object.assign(document.createElement('input'), { type })
  }

  test.each([
    ['ArrowRight', { step: 1 }],
    ['Home', { step: -Infinity }],
    [' ', 'toggle'],
    ['L', 'loop'],
    ['x', undefined],
  ])('%s: %j', (key, command) => {
    expect(pressed(key)).toEqual(command)
  })

  test('with Shift steps further', () => {
    expect(pressed('ArrowLeft', { shiftKey: true })).toEqual({ step: -10 })
  })

  test.each(['ctrlKey', 'metaKey', 'altKey'])('with %s is the browser\'s', (modifier) => {
    expect(pressed('l', { [modifier]: true })).toBeUndefined()
  })

  test('belongs to the field that has the focus', () => {
    expect(pressed('ArrowLeft', {}, field('number'))).toBeUndefined()
    expect(pressed('l', {}, field('text'))).toBeUndefined()
    expect(pressed(' ', {}, field('checkbox'))).toBeUndefined()
    expect(pressed(' ', {}, field('range'))).toBe('toggle')
    expect(pressed(' ', {}, document.createElement('button'))).toBeUndefined()
    expect(pressed('l', {}, document.createElement('button'))).toBe('loop')
  })
})

describe('the address of an external viewer', () => {
  test.each([
    ['viewer:{path}', true],
    ['https://review.example/?f={pattern}', true],
    ['viewer:', false],
    ['{path}', false],
    ['javascript:alert({path})', false],
    [' JavaScript :{path}', false],
    ['data:text/html,{path}', false],
  ])('%s will do: %s', (template, isGood) => {
    expect(whyNot(template) === '').toBe(isGood)
  })

  test('has the path, escaped but for its slashes', () => {
    expect(linkTo('viewer:{path}?all={pattern}', '/r/a b/1.png', '/r/####.png')).toBe('viewer:/r/a%20b/1.png?all=/r/%23%23%23%23.png')
  })
})
