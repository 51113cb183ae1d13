/** The settings of a job that are paths, and what can be chosen for each. */

export type Wanted = 'file' | 'folder' | 'anything'

interface Setting {
  key: string
  subtype?: string | null
}

const WANTED: Partial<Record<string, Wanted>> = {
  dir_path: 'folder', hashed_file_path: 'file',
  // It may be an output, which does not exist yet, so its folder is chosen.
  file_path: 'anything',
}

/** Undefined if the setting is no path. The blend file is always one, even if its job type does not say so. */
export function wantedOf({ key, subtype }: Setting): Wanted | undefined {
  return key === 'blendfile' ? 'file' : WANTED[subtype ?? '']
}
