/** Pages that are loaded when they are opened: a page in place of one that cannot be loaded. */

import type { Component } from 'vue'
import PageNotLoaded from './PageNotLoaded.vue'

export function lazyPage(load: () => Promise<{ default: Component }>): () => Promise<Component> {
  return () => load().then((module) => module.default, () => PageNotLoaded)
}
