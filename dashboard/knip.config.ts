import type { KnipConfig } from 'knip'

/** Finds what no other module uses. With `--production`, what only tests use is not used. */
export default {
  entry: ['index.html!', 'tests/**/*.test.ts'],
  project: ['src/**/*.{ts,vue}!', 'tests/**/*.ts'],
  ignore: ['src/api/schema.gen.ts'],
  // The browser tests, in Python, read it.
  ignoreDependencies: ['axe-core'],
} satisfies KnipConfig
