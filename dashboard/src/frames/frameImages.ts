/** Images of frames, decoded before they are shown. The least recently shown ones are dropped. */

const KEPT = 150

export type Loaded = 'loading' | 'ready' | 'nothing'

export interface FrameImages {
  /** Whether the image can be shown. The first call starts to fetch it. */
  state: (url: string) => Loaded
  load: (url: string) => Promise<Loaded>
}

interface Kept {
  state: Loaded
  image: HTMLImageElement
  done: Promise<Loaded>
}

export function useFrameImages(): FrameImages {
  const kept = new Map<string, Kept>()

  function keep(url: string): Kept {
    const found = kept.get(url) ?? begin(url)
    kept.delete(url)
    kept.set(url, found)
    for (const [old] of kept) {
      if (kept.size <= KEPT) break
      kept.delete(old)
    }
    return found
  }

  return { state: (url) => keep(url).state, load: (url) => keep(url).done }
}

function begin(url: string): Kept {
  const image = new Image()
  image.src = url
  const begun: Kept = { state: 'loading', image, done: Promise.resolve('loading') }
  const ended = (state: Loaded): Loaded => (begun.state = state)
  begun.done = image.decode().then(() => ended('ready'), () => ended('nothing'))
  return begun
}
