/** Lines that an address names, from 0, both included. */
export interface Lines {
  from: number
  to: number
}

/** Reads #L10, #L10-L20 and #L20-10. Lines of an address start at 1. */
export function readLines(hash: string): Lines | null {
  const m = /^#L(\d{1,9})(?:-L?(\d{1,9}))?$/.exec(hash)
  if (!m) return null
  const a = Math.max(1, Number(m[1])) - 1
  const b = m[2] === undefined ? a : Math.max(1, Number(m[2])) - 1
  return { from: Math.min(a, b), to: Math.max(a, b) }
}

/** What readLines reads. */
export const writeLines = ({ from, to }: Lines) => (from === to ? `#L${from + 1}` : `#L${from + 1}-L${to + 1}`)

/** The range that a click with shift makes: from the line marked first to the one clicked. */
export const spread = (marked: Lines | null, anchor: number, line: number): Lines => {
  const start = marked && anchor >= marked.from && anchor <= marked.to ? anchor : (marked?.from ?? line)
  return { from: Math.min(start, line), to: Math.max(start, line) }
}

/** The next entry of a sorted list behind a line, or the one before it; from the ends it goes on at the other one. */
export function beside(list: readonly number[], line: number, by: 1 | -1): number | null {
  if (!list.length) return null
  let lo = 0
  let hi = list.length
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    if (list[mid]! < line || (by > 0 && list[mid] === line)) lo = mid + 1
    else hi = mid
  }
  return list[(by > 0 ? lo : lo - 1 + list.length) % list.length]!
}

export type TickKind = 'error' | 'hit' | 'marked'
export interface Tick {
  kind: TickKind
  line: number
  top: number // pixels
}
const STEP = 3 // pixels of a tick

/** Small marks beside the scroll bar: for each place of a height one of a kind. */
export function ticks(kind: TickKind, lines: readonly number[], row: (line: number) => number, rows: number, height: number): Tick[] {
  const out: Tick[] = []
  let last = -1
  for (const line of lines) {
    const place = Math.floor((Math.min(1, row(line) / Math.max(1, rows)) * (height - STEP)) / STEP)
    if (place === last) continue
    last = place
    out.push({ kind, line, top: place * STEP })
  }
  return out
}
