/** State that all components share. The first one that asks for it makes it; it stays as long as the page. */

import { effectScope } from 'vue'

export function sharedByPage<State>(make: () => State): () => State {
  let made: State | undefined
  // A scope of its own, because the state outlives the component that asked first.
  return () => (made ??= effectScope(true).run(make)!)
}
