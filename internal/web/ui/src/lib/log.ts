/** A line as it is kept. */
export interface Line {
  n: number
  time: string
  text: string
}
/** Where lines come from: those of [from, from+limit) that there are, and how many there are in all. */
export type Fetch = (from: number, limit: number) => Promise<{ lines: Line[]; total: number }>

export const PAGE = 1000
const KEPT = 200 // pages
const AT_ONCE = 4 // requests

/**
 * The lines of a task by their numbers. Lines may come live or be loaded, in
 * any order and more than once: a number has one place. What is not there yet
 * is loaded when it is looked at, so a lost connection leaves neither a gap nor
 * a double line.
 */
export class Log {
  total = 0
  private pages = new Map<number, (Line | undefined)[]>()
  private full = new Set<number>()
  private loading = new Map<number, Promise<void>>()
  private queue: number[] = []

  constructor(
    private fetch: Fetch,
    private changed: () => void,
    private failed: (e: unknown) => void = () => {},
  ) {}

  line(n: number): Line | undefined {
    return this.pages.get(Math.floor(n / PAGE))?.[n % PAGE]
  }

  /** Adds lines that came live. */
  add(lines: Line[]) {
    for (const l of lines) {
      this.keep(l)
      if (l.n >= this.total) this.total = l.n + 1
    }
    if (!lines.length) return
    this.forget(Math.floor(lines[lines.length - 1]!.n / PAGE))
    this.changed()
  }

  private keep(l: Line) {
    const p = Math.floor(l.n / PAGE)
    let page = this.pages.get(p)
    if (!page) this.pages.set(p, (page = []))
    page[l.n % PAGE] ??= l
  }

  /** Learns how many lines there are: after each connection, and at the end. */
  grow(total: number) {
    if (total <= this.total) return
    this.total = total
    this.changed()
  }

  private whole(p: number): boolean {
    if (this.full.has(p)) return true
    const page = this.pages.get(p)
    const want = Math.min(PAGE, this.total - p * PAGE)
    if (!page || page.length < want) return false
    for (let i = 0; i < want; i++) if (!page[i]) return false
    if (want === PAGE) this.full.add(p)
    return true
  }

  /** Loads what is missing of [from, to). Requests that nobody looks at any more are not made. */
  ensure(from: number, to: number) {
    const first = Math.max(0, Math.floor(from / PAGE))
    const last = Math.floor((Math.min(to, this.total) - 1) / PAGE)
    this.queue = []
    for (let p = first; p <= last; p++) if (!this.whole(p) && !this.loading.has(p)) this.queue.push(p)
    this.work()
  }

  private work() {
    while (this.queue.length && this.loading.size < AT_ONCE) {
      const p = this.queue.shift()!
      this.loading.set(
        p,
        this.load(p).finally(() => {
          this.loading.delete(p)
          this.work()
        }),
      )
    }
  }

  private async load(p: number) {
    try {
      const { lines, total } = await this.fetch(p * PAGE, PAGE)
      for (const l of lines) this.keep(l)
      if (total > this.total) this.total = total
      // A full page whose lines do not exist will not come to exist.
      if (total >= (p + 1) * PAGE) this.full.add(p)
      this.forget(p)
      this.changed()
    } catch (e) {
      this.failed(e)
    }
  }

  private forget(near: number) {
    if (this.pages.size <= KEPT) return
    const far = [...this.pages.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near))
    for (const p of far.slice(0, this.pages.size - KEPT)) {
      this.pages.delete(p)
      this.full.delete(p)
    }
  }
}

/** Looks for a text in all lines, page by page, until it is told to stop. */
export async function* search(fetch: Fetch, text: string, step = 20_000): AsyncGenerator<{ found: number[]; done: number; total: number }> {
  const plain = text.toLowerCase()
  let next = fetch(0, step)
  for (let from = 0, total = 1; from < total; from += step) {
    const got = await next
    total = got.total
    if (from + step < total) {
      next = fetch(from + step, step) // comes while these are looked through
      next.catch(() => {}) // told where it is awaited, if it still is
    }
    const found = got.lines.filter((l) => strip(l.text).toLowerCase().includes(plain)).map((l) => l.n)
    yield { found, done: Math.min(total, from + step), total }
  }
}

// eslint-disable-next-line no-control-regex
const escapes = /\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g

/** A text without the escapes of terminals. */
export const strip = (text: string) => (text.includes('\u001b') ? text.replace(escapes, '') : text)
