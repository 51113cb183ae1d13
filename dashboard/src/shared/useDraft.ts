/** What is typed into a field, until the value itself changes: a page that is drawn again leaves it as it is. */

import { ref, watch, type Ref } from 'vue'

interface Draft {
  text: Ref<string | number>
  /** Back to the value. */
  reset: () => void
}

export function useDraft(value: () => string): Draft {
  const text = ref<string | number>(value())
  const reset = (): void => void (text.value = value())
  watch(value, reset)
  return { text, reset }
}
