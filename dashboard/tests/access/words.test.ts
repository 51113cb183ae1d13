import { describe, expect, test } from 'vitest'
import { actionWords, changesOf } from '@/access/auditWords'
import { handOverAddress, parsedRequest } from '@/access/handOver'
import { linkCode } from '@/access/login'
import { browserOf } from '@/access/words'
import { joinCommand } from '@/workers/joinCommand'

const STATE = 'a-word-of-the-add-on'

test.each([
  ['#link=tablao_link_x', 'tablao_link_x'],
  ['#link=', undefined],
  ['#other', undefined],
  ['', undefined],
])('the code of the link %j is %j', (hash, code) => {
  expect(linkCode(hash)).toBe(code)
})

describe('the token for Blender', () => {
  test('goes to the add-on that waits on this machine', () => {
    const asked = parsedRequest({ host: 'desk', port: '50999', state: STATE })

    expect(asked.tokenName).toBe('Blender on desk')
    expect(handOverAddress(asked, 'tablao_user_x')).toBe(`http://127.0.0.1:50999/?state=${STATE}&token=tablao_user_x`)
  })

  test.each([
    [{}],
    [{ port: '50999' }],
    [{ port: '80', state: STATE }],
    [{ port: '50999@evil.example', state: STATE }],
    [{ port: '70000', state: STATE }],
    [{ port: '50999', state: 'short' }],
    [{ port: '50999', state: `${STATE}#&` }],
  ])('is shown to be copied where none waits: %j', (query) => {
    expect(handOverAddress(parsedRequest(query), 'tablao_user_x')).toBeUndefined()
  })
})

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36', 'Chrome on Linux'],
  ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0', 'Edge on Windows'],
  ['Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36', 'Chrome on Android'],
  ['python-httpx/0.28', 'python-httpx/0.28'],
  ['', 'an unknown program'],
])('%j is %s', (agent, words) => {
  expect(browserOf(agent)).toBe(words)
})

test('an entry of the audit has what is different', () => {
  const entry = { before: { role: 'viewer', is_disabled: false }, after: { role: 'artist', is_disabled: false, scopes: ['read', 'submit'] } }

  expect(changesOf(entry)).toEqual([{ name: 'role', before: 'viewer', after: 'artist' }, { name: 'scopes', after: 'read, submit' }])
  expect(changesOf({ before: null, after: null })).toEqual([])
  expect(actionWords('setJobStatus')).toBe('set job status')
})

test('the join token is no argument of the command', () => {
  expect(joinCommand('tablao_join_x', 'https://farm', '')).toBe('TABLAO_JOIN_TOKEN=tablao_join_x tablao-worker --manager https://farm')
  expect(joinCommand('tablao_join_x', 'https://farm', 'sha256:ab')).toBe(
    'TABLAO_JOIN_TOKEN=tablao_join_x tablao-worker --manager https://farm --pin sha256:ab',
  )
})

test('ids of which a name is known are shown as names', () => {
  const called = new Map([['t-1', 'slow'], ['t-2', 'fast']])

  expect(changesOf({ before: { worker_tag_id: 't-1' }, after: { worker_tag_id: 't-3' } }, called)).toEqual([{ name: 'worker_tag_id', before: 'slow', after: 't-3' }])
  expect(changesOf({ before: { tag_id: ['t-1', 't-2'] }, after: { tag_id: [] } }, called)).toEqual([{ name: 'tag_id', before: 'slow, fast', after: 'none' }])
})
