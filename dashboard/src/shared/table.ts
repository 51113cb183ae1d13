/** The columns of a table, which of them are shown, and sorting by them. */

export interface Column<Row> {
  key: string
  label: string
  /** A track of CSS grid, in rem: `8rem`, `minmax(12rem, 1fr)`. */
  width: string
  /** What rows are sorted by; a column without it cannot be sorted. */
  value?: (row: Row) => string | number
  isNumber?: boolean
  /** Its cells are icons: only a screen reader reads the label. */
  isIcon?: boolean
  /** Columns of a lower rank are shown first, as far as there is room. Without one, a column is shown only if the user chooses it. */
  rank?: number
  /** The least width in rem that is left to it where there is room for others; by default, that of `width`. */
  roomRem?: number
  /** What the label means, in a sentence. */
  hint?: string
}

export interface Sort {
  key: string
  isDescending: boolean
}

const PX_OF_REM = 16
/** What the box, the menu and the edges of a row take. */
const ROW_EDGES_PX = 76
/** Where the list is narrower, it does not scroll sideways: what the user has chosen is shown as far as there is room. */
const NARROW_PX = 560

/** The columns that the user has chosen, in their order; else those that there is room for. */
export function shownColumns<Row>(all: readonly Column<Row>[], chosen: readonly string[] | undefined, listPx: number): Column<Row>[] {
  if (!chosen) return fitting(all.filter(({ rank }) => rank !== undefined), listPx)
  const wanted = chosen.map((key) => all.find((column) => column.key === key)).filter((column) => column !== undefined)
  return listPx < NARROW_PX ? fitting(wanted, listPx) : wanted
}

function fitting<Row>(columns: readonly Column<Row>[], listPx: number): Column<Row>[] {
  const byRank = [...columns].sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity))
  let leftRem = (listPx - ROW_EDGES_PX) / PX_OF_REM
  const shown = new Set<string>()
  for (const { key, width, rank, roomRem } of byRank) {
    leftRem -= roomRem ?? leastRem(width)
    if (leftRem < 0 && rank !== 0) break
    shown.add(key)
  }
  return columns.filter(({ key }) => shown.has(key))
}

/** The width in pixels at which a table with these columns must scroll sideways. */
export function leastPx<Row>(columns: readonly Column<Row>[]): number {
  return ROW_EDGES_PX + PX_OF_REM * columns.reduce((sum, { width }) => sum + leastRem(width), 0)
}

const leastRem = (width: string): number => Number(/[\d.]+(?=rem)/.exec(width)?.[0] ?? 0)

/** Rows with equal values keep their order. */
export function inOrder<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort): Row[] {
  const value = columns.find((column) => column.key === sort.key)?.value
  if (!value) return [...rows]
  const direction = sort.isDescending ? -1 : 1
  // A value is asked for once: rows are sorted again ten times a second while tasks change.
  const valued = rows.map((row) => [value(row), row] as const)
  return valued.sort(([a], [b]) => direction * compared(a, b)).map(([, row]) => row)
}

function compared(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareText(String(a), String(b))
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Numbers in the texts count as numbers: `frame 9` comes before `frame 10`. */
export const compareText = (a: string, b: string): number => collator.compare(a, b)

const numbers = new Intl.NumberFormat()

/** A number in a cell. `toLocaleString` looks the language up each time, and cells are drawn again at each event. */
export const numberText = (number: number): string => numbers.format(number)
