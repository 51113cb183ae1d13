/** When the first page is drawn. Until then, requests wait whose answers it does not need. */

let resolveDrawn: () => void
const drawn = new Promise<void>((resolve) => (resolveDrawn = resolve))

/** To be called when the page's code is loaded and its components are made. */
export function firstPageIsMade(): void {
  void frameDrawn().then(resolveDrawn)
}

/** Waits until the first page is drawn with all that it has. */
export async function firstPageDrawn(): Promise<void> {
  await drawn
  await frameDrawn()
}

/** Waits until what has changed is drawn. A hidden page draws no frames. */
export function frameDrawn(): Promise<void> {
  return new Promise((resolve) => {
    const after = (): void => void window.setTimeout(resolve)
    if (document.hidden) after()
    else window.requestAnimationFrame(after)
  })
}
