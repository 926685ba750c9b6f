/** The height of a line that is not wrapped. */
export const ROW = 20
/** Browsers draw no taller elements: Firefox ends at 17.8 million pixels. */
const TALLEST = 15_000_000

/** How many pixels of the scroll bar one row is. Past 750,000 rows they are fewer than it is tall. */
export const rowPixels = (rows: number) => (rows * ROW > TALLEST ? TALLEST / rows : ROW)

/**
 * How tall the scrolled element is: such that at the end the last row is the
 * last one seen, or, where rows are wrapped and of unknown height, the first.
 */
export function height(rows: number, viewport: number, wrap: boolean): number {
  const px = rowPixels(rows)
  const last = wrap ? Math.min(1, rows) : Math.min(rows, viewport / ROW)
  return rows * px - last * px + viewport
}

/** The first row seen at a position, and how much of it is above the edge, from 0 to 1. */
export function position(scrollTop: number, rows: number): { first: number; part: number } {
  const top = Math.max(0, Math.min(scrollTop / rowPixels(rows), Math.max(0, rows - 1)))
  const first = Math.floor(top + 1e-6)
  return { first, part: Math.max(0, top - first) }
}
