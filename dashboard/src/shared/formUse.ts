/** Whether the user has typed something on this page that is not stored yet, as far as a page can know. */

let isUsed = false

/** Text in a form or an editor; what is typed to search is not missed. */
function typed({ target }: Event): void {
  if (!(target instanceof HTMLElement) || target.matches('[type=search], [type=password]')) return
  if (target.closest('form, .cm-editor')) isUsed = true
}

document.addEventListener('input', typed, true)

export const isFormUsed = (): boolean => isUsed

/** After another view was opened, which has forms of its own. */
export function forgetForms(): void {
  isUsed = false
}
