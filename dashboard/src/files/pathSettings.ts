/** Which settings of a job are paths, and what can be chosen for each. */

/** What is wanted of the shared storage. */
export type Wanted = 'file' | 'folder' | 'anything'

interface Setting {
  key: string
  subtype?: string | null
}

const WANTED: Partial<Record<string, Wanted>> = {
  dir_path: 'folder', hashed_file_path: 'file',
  // Also an output, which is not there yet and has a folder in its stead.
  file_path: 'anything',
}

/** Undefined for what is no path. The blend file is one, whether its job type says so or not. */
export function wantedOf({ key, subtype }: Setting): Wanted | undefined {
  return key === 'blendfile' ? 'file' : WANTED[subtype ?? '']
}
