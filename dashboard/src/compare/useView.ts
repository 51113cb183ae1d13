/** Zoom and place of both pictures, by wheel, pointer and keys. */

import { reactive, type CSSProperties } from 'vue'

interface View {
  scale: number
  /** The shift in pixels. */
  x: number
  y: number
}

const MOST = 16
const STEP = 1.25

interface Controls {
  view: View
  style: () => CSSProperties
  reset: () => void
  /** Enlarges by a factor, around a point of the stage that is given from its middle. */
  zoom: (factor: number, x?: number, y?: number) => void
  turned: (event: WheelEvent) => void
  grabbed: (event: PointerEvent) => void
}

export function useView(): Controls {
  const view = reactive<View>({ scale: 1, x: 0, y: 0 })

  function reset(): void {
    Object.assign(view, { scale: 1, x: 0, y: 0 })
  }

  function zoom(factor: number, x = 0, y = 0): void {
    const scale = Math.min(MOST, Math.max(1, view.scale * factor))
    const by = scale / view.scale
    // The point under the pointer stays where it is.
    Object.assign(view, scale === 1 ? { scale, x: 0, y: 0 } : { scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by })
  }

  function turned(event: WheelEvent): void {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect()
    zoom(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX - left - width / 2, event.clientY - top - height / 2)
  }

  function grabbed(event: PointerEvent): void {
    const stage = event.currentTarget as HTMLElement
    const [startX, startY] = [event.clientX - view.x, event.clientY - view.y]
    const move = ({ clientX, clientY }: PointerEvent): void => void Object.assign(view, { x: clientX - startX, y: clientY - startY })
    const end = (): void => {
      stage.removeEventListener('pointermove', move)
      stage.removeEventListener('pointerup', end)
      stage.removeEventListener('pointercancel', end)
    }
    if (view.scale === 1) return
    stage.setPointerCapture(event.pointerId)
    stage.addEventListener('pointermove', move)
    stage.addEventListener('pointerup', end)
    stage.addEventListener('pointercancel', end)
  }

  const style = (): CSSProperties => ({ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` })
  return { view, style, reset, zoom, turned, grabbed }
}
