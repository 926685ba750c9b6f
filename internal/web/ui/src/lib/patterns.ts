/** Texts with holes, {1} and so on, and what each becomes. */
export type Texts = Record<string, string>

interface Pattern {
  from: string
  to: string
  weight: number // characters that are not filled in
  re?: RegExp
  holes: string[]
}
export interface Found {
  to: string
  /** What fills the holes, by their numbers. */
  args: Record<string, string>
  /** Holes in quotation marks: names, which are no words. */
  quoted: Set<string>
}

const hole = /"\{(\d+)\}"|\{(\d+)\}/g
const plain = (s: string) => s.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
/** The word that a text begins with, if it is whole. */
const first = (s: string) => /^[^\s:;"{]+(?=[\s:;"]|$)/.exec(s)?.[0] ?? ''

function compile(p: Pattern): RegExp {
  let re = ''
  let at = 0
  p.holes = []
  for (const m of p.from.matchAll(hole)) {
    const end = m.index + m[0].length
    re += plain(p.from.slice(at, m.index))
    re += m[1] ? '"((?:[^"\\\\]|\\\\.)*)"' : end === p.from.length ? '(.*)' : p.from[end] === ' ' ? '(.+?)(?<!:)' : '(.+?)'
    p.holes.push(m[1] ? `"${m[1]}` : m[2]!)
    at = end
  }
  return new RegExp(`^${re}${plain(p.from.slice(at))}$`, 's')
}

/** A quoted name as it is: Go writes quotation marks and control characters with a backslash. */
function unquote(s: string): string {
  try {
    return JSON.parse(`"${s}"`) as string
  } catch {
    return s
  }
}

/**
 * Finds which pattern a text was made of: of several the one that says most by
 * itself. Those that begin with a word are looked up by it.
 */
export class Patterns {
  private begun = new Map<string, Pattern[]>()
  private open: Pattern[] = []

  constructor(texts: Texts) {
    for (const [from, to] of Object.entries(texts)) {
      const p: Pattern = { from, to, weight: from.replace(hole, '').length, holes: [] }
      const word = first(from)
      const list = word ? (this.begun.get(word) ?? []) : this.open
      list.push(p)
      if (word) this.begun.set(word, list)
    }
    const heaviest = (a: Pattern, b: Pattern) => b.weight - a.weight
    this.open.sort(heaviest)
    for (const list of this.begun.values()) list.sort(heaviest)
  }

  /** A pattern that begins as the text does. */
  beginning(text: string): Found | null {
    return this.match(this.begun.get(first(text)) ?? [], text)
  }

  /** A pattern that begins with a hole. */
  anything(text: string): Found | null {
    return this.match(this.open, text)
  }

  private match(list: Pattern[], text: string): Found | null {
    for (const p of list) {
      if (p.weight > text.length) continue
      const m = (p.re ??= compile(p)).exec(text)
      if (!m) continue
      const found: Found = { to: p.to, args: {}, quoted: new Set() }
      p.holes.forEach((h, i) => {
        const n = h.replace('"', '')
        if (h !== n) found.quoted.add(n)
        found.args[n] = h === n ? m[i + 1]! : unquote(m[i + 1]!)
      })
      return found
    }
    return null
  }
}
