/** Something that can be done with rows: a button of the action bar, and a line of the menu. */

export interface Verb {
  key: string
  label: string
  run: () => unknown
  /** How many of the rows it is possible for, if not for all. */
  count?: number | undefined
  title?: string | undefined
  isDangerous?: boolean | undefined
  isDisabled?: boolean | undefined
  /** Only in the menu, because the bar has something better. */
  isMenuOnly?: boolean | undefined
}

/** Where a menu opens, and the element that gets the focus back. */
export interface MenuPlace {
  x: number
  y: number
  from: HTMLElement
}
