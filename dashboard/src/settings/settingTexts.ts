/** The descriptions of settings, taken from docs/settings.md so that each is written once. */

import page from '../../../docs/settings.md?raw'

export interface SettingGroup {
  title: string
  /** By name. */
  texts: ReadonlyMap<string, string>
}

const ROW = /^\| `([\w.]+)` \| (.*) \| (.*) \|$/
const LINK = /\[([^\]]*)\]\([^)]*\)/g

export const settingGroups: readonly SettingGroup[] = page.split(/^## /m).slice(1).map(group)

function group(section: string): SettingGroup {
  const [title = '', ...lines] = section.split('\n')
  const rows = lines.map((line) => ROW.exec(line)).filter((row) => row !== null)
  return { title, texts: new Map(rows.map(([, name = '', , text = '']) => [name, text.replace(LINK, '$1')])) }
}

/** Cuts a text into pieces; every second one is code. */
export function pieces(text: string): string[] {
  return text.split('`')
}
