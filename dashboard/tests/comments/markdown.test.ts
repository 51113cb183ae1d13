import { expect, test } from 'vitest'
import { htmlOf } from '@/comments/markdown'

test('Markdown becomes HTML', () => {
  expect(htmlOf('waits for *v2* of `shot`\n- one').trim())
    .toBe('<p>waits for <em>v2</em> of <code>shot</code></p>\n<ul>\n<li>one</li>\n</ul>')
})

test.each([
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](vbscript:x)',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](file:///etc/passwd)',
  '<javascript:alert(1)>',
  '[x](blob:https://studio.example/1)',
  '[x](tablao:open)',
  '[x](ms-msdt:/id)',
  '![x](https://spy.example/pixel.png)',
  '![x](javascript:alert(1))',
  '# a heading\n## another',
  'a heading\n===',
  '[x]: javascript:alert(1)\n[x]',
  '`<b>`\n\n    <i>',
])('%s brings no element of its own, no script and no picture', (text) => {
  const held = document.createElement('div')
  held.innerHTML = htmlOf(text)

  expect(held.querySelectorAll('script, img, svg, h1, h2, b, i, iframe')).toHaveLength(0)
  for (const each of held.querySelectorAll('*')) {
    expect([...each.attributes].filter(({ name }) => name.startsWith('on'))).toEqual([])
  }
  for (const link of held.querySelectorAll('a')) expect(link.getAttribute('href')).toMatch(/^https?:/)
})

test('links leave without a trace', () => {
  const held = document.createElement('div')
  held.innerHTML = htmlOf('see https://studio.example/shot?a=1&b=2')
  const link = held.querySelector('a')

  expect(link?.getAttribute('href')).toBe('https://studio.example/shot?a=1&b=2')
  expect(link?.getAttribute('rel')).toBe('noopener noreferrer nofollow')
  expect(link?.getAttribute('target')).toBe('_blank')
})
