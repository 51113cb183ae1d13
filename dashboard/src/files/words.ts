/** Sizes, times and paths as texts. */

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB']

export function sizeInWords(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0)
  const value = bytes / 1000 ** power
  return `${power && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`
}

const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function timeInWords(iso: string): string {
  return time.format(new Date(iso))
}

export interface Crumb {
  label: string
  path: string
}

/** The shared storage and each folder from there to this one. */
export function crumbs(root: string, folder: string): Crumb[] {
  const separator = root.includes('\\') ? '\\' : '/'
  const below = folder.slice(root.length).split(separator).filter(Boolean)
  const path = (count: number): string => [root, ...below.slice(0, count)].join(separator)
  return [{ label: 'Shared storage', path: root }, ...below.map((label, place) => ({ label, path: path(place + 1) }))]
}
