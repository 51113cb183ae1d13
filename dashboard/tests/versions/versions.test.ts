import { expect, test } from 'vitest'
import { upgradable } from '@/versions/upgrade'
import { databaseText, isNews, summaryOf, upgradeText, type Standing, type VersionedWorker, type Versions } from '@/versions/words'

type Group = Versions['workers'][number]

function group(version: string, standing: Standing, ...names: string[]): Group {
  return { version, standing, advice: '', workers: names.map((name) => ({ id: name, name, status: 'awake', can_upgrade: false, upgrade: null })) }
}

function versions(...workers: Group[]): Versions {
  const database = { kind: 'SQLite', migration: '0022', newest_migration: '0022' }
  return { version: '0.2.0', managers: [], temporal: '', is_temporal_embedded: true, database, workers }
}

test.each<[Group[], string]>([
  [[], 'There are no workers yet.'],
  [[group('0.2.0', 'same', 'a')], 'The worker has the manager’s version.'],
  [[group('0.2.0', 'same', 'a', 'b')], 'All 2 workers have the manager’s version.'],
  [[group('0.1.0', 'older', 'a'), group('0.2.0', 'same', 'b')], 'Of 2 workers, 1 is older than the manager.'],
  [[group('0.1', 'older', 'a'), group('0.1.1', 'older', 'b'), group('0.3', 'newer', 'c')], 'Of 3 workers, 2 are older and 1 is newer than the manager.'],
  [[group('Flamenco 3.5', 'flamenco', 'a'), group('0.2.0', 'same', 'b')], ''],
])('the summary says how many workers differ (%#)', (groups, sentence) => {
  expect(summaryOf(groups)).toBe(sentence)
})

test('a database that a newer manager has migrated says so', () => {
  expect(databaseText({ kind: 'PostgreSQL', migration: '0023', newest_migration: '0022' }))
    .toBe('PostgreSQL, migration 0023, by a newer manager; this one knows 0022')
  expect(databaseText({ kind: 'SQLite', migration: '0022', newest_migration: '0022' })).toBe('SQLite, migration 0022')
})

test.each([
  [{ id: 'new', name: 'new', version: 'Tablao 0.2.0', status: 'awake' }, true],
  [{ id: 'a', name: 'a', version: 'Tablao 0.2.0', status: 'awake' }, true],
  [{ id: 'a', name: 'a', version: 'Tablao 0.1.0', status: 'awake' }, false],
  [{ id: 'a', name: 'a', version: 'Tablao 0.1.0', status: 'offline' }, true],
  [{ id: 'a', name: 'other', version: 'Tablao 0.1.0', status: 'awake' }, true],
  [{ id: 'a', name: 'a', version: 'Tablao 0.1.0', status: 'awake', deleted_at: '2026-01-01' }, true],
  [{ id: 'long gone', deleted_at: '2026-01-01' }, false],
  [{ id: 'stock', name: 'stock', version: '3.5', status: 'awake' }, false],
])('versions are fetched again only if an event tells more than is shown (%#)', (payload, isToBe) => {
  expect(isNews(payload, versions(group('0.1.0', 'older', 'a'), group('Flamenco 3.5', 'flamenco', 'stock')))).toBe(isToBe)
})

const UPGRADES = {
  fetching: { version: '0.2.0', state: 'fetching', reason: '' },
  installing: { version: '0.2.0', state: 'installing', reason: '' },
  failed: { version: '0.2.0', state: 'failed', reason: 'The disk is full.' },
} as const

test('an upgrade says how far it is, or why it failed', () => {
  expect(upgradeText(null)).toBe('')
  expect(upgradeText(UPGRADES.fetching)).toBe('fetches version 0.2.0…')
  expect(upgradeText(UPGRADES.installing)).toBe('installs version 0.2.0…')
  expect(upgradeText(UPGRADES.failed)).toBe('the upgrade to 0.2.0 failed. The disk is full.')
})

function having(standing: Standing, ...changes: Partial<VersionedWorker>[]): Group {
  const worker = { id: 'a', name: 'a', status: 'awake', can_upgrade: true, upgrade: null } as const
  return { ...group('0.1.0', standing), workers: changes.map((change, index) => ({ ...worker, id: `${index}`, ...change })) }
}

test('older workers that are there and are not upgraded yet can be', () => {
  const workers = having('older', {}, { status: 'offline' }, { can_upgrade: false }, { upgrade: UPGRADES.installing }, { upgrade: UPGRADES.failed })
  expect(upgradable(workers).map(({ id }) => id)).toEqual(['0', '4'])
  expect(upgradable(having('same', {}))).toEqual([])
  expect(upgradable(having('newer', {}))).toEqual([])
})

test.each<[Standing, Partial<VersionedWorker>, boolean]>([
  ['older', {}, true],
  ['older', { can_upgrade: false }, false],
  ['older', { can_upgrade: false, upgrade: UPGRADES.failed }, true],
  ['same', {}, false],
])('an event of a worker that may be upgraded is always news (%#)', (standing, change, isToBe) => {
  expect(isNews({ id: '0', name: 'a', version: 'Tablao 0.1.0', status: 'awake' }, versions(having(standing, change)))).toBe(isToBe)
})
