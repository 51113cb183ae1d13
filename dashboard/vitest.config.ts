import { defineConfig, mergeConfig } from 'vitest/config'
import build from './vite.config.ts'

export default mergeConfig(build, defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
    environment: 'happy-dom',
    // One stand-in for the browser serves all files: making it takes longer than their tests.
    isolate: false,
    maxWorkers: 1,
    unstubGlobals: true,
    restoreMocks: true,
  },
}))
