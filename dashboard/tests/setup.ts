import { afterEach, vi } from 'vitest'

// All files share one clock.
afterEach(() => vi.useRealTimers())
