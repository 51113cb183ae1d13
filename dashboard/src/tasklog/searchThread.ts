/** Searches lines beside the page, because a regular expression can take for ever. */

import { expressionOf, hitsIn, type Hit } from './hits'

export interface Search {
  lines: readonly string[]
  /** The number of the first of them. */
  first: number
  text: string
  isPattern: boolean
}

self.onmessage = ({ data }: MessageEvent<Search>) => {
  const hits: Hit[] = hitsIn(data.lines, expressionOf(data.text, data.isPattern), data.first)
  self.postMessage(hits)
}
