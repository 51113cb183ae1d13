import { expect, test } from 'vitest'
import { wantedOf } from '@/files/pathSettings'
import { crumbs, sizeInWords } from '@/files/words'

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1_500, '1.5 KB'],
  [250_000, '250 KB'],
  [3_140_000_000, '3.1 GB'],
])('%d bytes: %s', (size, text) => {
  expect(sizeInWords(size)).toBe(text)
})

test.each([
  ['/mnt/farm', '/mnt/farm/jobs/pilot', ['/mnt/farm', '/mnt/farm/jobs', '/mnt/farm/jobs/pilot']],
  ['S:\\farm', 'S:\\farm\\jobs', ['S:\\farm', 'S:\\farm\\jobs']],
  ['/mnt/farm', '/mnt/farm', ['/mnt/farm']],
])('from %s to %s', (root, folder, paths) => {
  const found = crumbs(root, folder)

  expect(found[0]?.label).toBe('Shared storage')
  expect(found.map(({ path }) => path)).toEqual(paths)
})

test.each([
  ['blendfile', null, 'file'],
  ['output', 'dir_path', 'folder'],
  ['output', 'file_path', 'anything'],
  ['scene', 'hashed_file_path', 'file'],
  ['frames', undefined, undefined],
])('the setting %s of subtype %s is chosen as %s', (key, subtype, wanted) => {
  expect(wantedOf({ key, ...(subtype !== undefined && { subtype }) })).toBe(wanted)
})
