/** The program in which this browser's user opens frames, instead of the page. */

import { ref, watch } from 'vue'

const KEY = 'tablao-external-viewer'
/** Addresses that would run in the page instead of opening a program. */
const FORBIDDEN = /^\s*(javascript|data|vbscript|blob)\s*:/i

/** An address such as `viewer:{path}`; empty: frames are shown on the page. */
export const externalViewer = ref(window.localStorage.getItem(KEY) ?? '')

watch(externalViewer, (template) => {
  if (template) window.localStorage.setItem(KEY, template)
  else window.localStorage.removeItem(KEY)
})

/** Why an address cannot be used, as a sentence; empty if it can. */
export function whyNot(template: string): string {
  if (FORBIDDEN.test(template)) return 'This address would run in the page, so it is refused.'
  if (!/^[a-z][a-z0-9+.-]*:/i.test(template)) return 'It must begin with a scheme, such as viewer: or https:.'
  if (!/\{(path|pattern)\}/.test(template)) return 'It must contain {path} or {pattern}.'
  return ''
}

/** `{path}` becomes the file of a frame, `{pattern}` the file of all frames with a # for each digit. */
export function linkTo(template: string, path: string, pattern: string): string {
  return template.replace(/\{(path|pattern)\}/g, (_, name) => escaped(name === 'path' ? path : pattern))
}

function escaped(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
