import { expect, test } from 'vitest'
import { databaseText, isNews, summaryOf, type Standing, type Versions } from '@/versions/words'

type Group = Versions['workers'][number]

function group(version: string, standing: Standing, ...names: string[]): Group {
  return { version, standing, advice: '', workers: names.map((name) => ({ id: name, name, status: 'awake' })) }
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
