/** The columns of a table, and sorting by them. */

export interface Column<Row> {
  key: string
  label: string
  /** A track of CSS grid: `8rem`, `minmax(12rem, 1fr)`. */
  width: string
  /** What rows are sorted by; a column without it cannot be sorted. */
  value?: (row: Row) => string | number
  isNumber?: boolean
  /** Its cells are icons: only a screen reader reads the label. */
  isIcon?: boolean
  /** Left out on a phone, or earlier. */
  isMinor?: boolean
}

export interface Sort {
  key: string
  isDescending: boolean
}

/** Rows with equal values keep their order. */
export function inOrder<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort): Row[] {
  const value = columns.find((column) => column.key === sort.key)?.value
  if (!value) return [...rows]
  const direction = sort.isDescending ? -1 : 1
  return [...rows].sort((a, b) => direction * compared(value(a), value(b)))
}

function compared(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareText(String(a), String(b))
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Numbers in the texts count as numbers: `frame 9` comes before `frame 10`. */
export const compareText = (a: string, b: string): number => collator.compare(a, b)
