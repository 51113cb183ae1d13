/** How much two pictures of the same size differ. */

export interface Difference {
  /** Of all values of red, green and blue, from 0 to 255. */
  mean: number
  /** The largest difference of one value, from 0 to 255. */
  most: number
  /** The share of pixels that differ at all, from 0 to 1. */
  share: number
}

/** Writes the difference of `one` and `other`, multiplied by `gain`, into `into`. All are RGBA. */
export function differenceOf(one: Uint8ClampedArray, other: Uint8ClampedArray, into: Uint8ClampedArray, gain: number): Difference {
  let sum = 0
  let most = 0
  let pixels = 0
  for (let at = 0; at < one.length; at += 4) {
    let highest = 0
    for (let colour = at; colour < at + 3; colour++) {
      const value = Math.abs(one[colour]! - other[colour]!)
      into[colour] = value * gain
      sum += value
      if (value > highest) highest = value
    }
    into[at + 3] = 255
    if (highest > most) most = highest
    if (highest) pixels++
  }
  const count = Math.max(1, one.length / 4)
  return { mean: sum / (3 * count), most, share: pixels / count }
}
