/** Lines that are hidden: [from, to), sorted, apart from each other. */
export type Range = [from: number, to: number]

/** Joins ranges that overlap or touch. */
export function join(ranges: Range[]): Range[] {
  const out: Range[] = []
  for (const [from, to] of [...ranges].filter(([a, b]) => b > a).sort((a, b) => a[0] - b[0])) {
    const last = out[out.length - 1]
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else out.push([from, to])
  }
  return out
}

/** Which row shows which line when some are hidden. */
export class Fold {
  private before: number[] = [] // lines hidden before each range
  readonly hidden: number

  constructor(
    readonly ranges: Range[],
    readonly total: number,
  ) {
    let sum = 0
    for (const [from, to] of ranges) {
      this.before.push(sum)
      sum += Math.max(0, Math.min(to, total) - Math.min(from, total))
    }
    this.hidden = sum
  }

  get rows() {
    return this.total - this.hidden
  }

  /** The line of a row. */
  line(row: number): number {
    let lo = 0
    let hi = this.ranges.length
    while (lo < hi) {
      const mid = (lo + hi) >> 1
      if (this.ranges[mid]![0] - this.before[mid]! <= row) lo = mid + 1
      else hi = mid
    }
    if (lo === 0) return row
    const [from, to] = this.ranges[lo - 1]!
    return row + this.before[lo - 1]! + (to - from)
  }

  /** The row of a line, or of the last one shown before it. */
  row(line: number): number {
    let lo = 0
    let hi = this.ranges.length
    while (lo < hi) {
      const mid = (lo + hi) >> 1
      if (this.ranges[mid]![0] <= line) lo = mid + 1
      else hi = mid
    }
    if (lo === 0) return line
    const [from, to] = this.ranges[lo - 1]!
    const hidden = this.before[lo - 1]!
    return line < to ? Math.max(0, from - 1 - hidden) : line - hidden - (to - from)
  }
}
