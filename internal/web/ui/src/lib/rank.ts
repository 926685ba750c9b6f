/** Something that the search may find. */
export interface Hit {
  label: string
  kind: string
  /** Words that find it too, though they are not shown. */
  words?: string
  /** Stands before what fits equally well. */
  weight?: number
}

/** Texts compare without case, accents, and the dots of ё. */
const plain = (s: string) => s.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
const wordsOf = (s: string) => plain(s).split(/[^\p{L}\p{N}#]+/u).filter(Boolean)

/** How well a typed word fits a text: it is it, begins it, begins a word of it, or is in it. */
function fit(word: string, text: string): number {
  const p = plain(text)
  if (p === word) return 60
  if (p.startsWith(word)) return 40
  if (wordsOf(text).some((w) => w.startsWith(word))) return 25
  return p.includes(word) ? 10 : 0
}

/** How well a text that is typed fits: 0 where one of its words does not. What is shown counts more than its kind. */
export function score(typed: string, hit: Hit): number {
  const words = plain(typed).split(/\s+/).filter(Boolean)
  let sum = hit.weight ?? 0
  for (const w of words) {
    const best = Math.max(fit(w, hit.label) * 2, fit(w, hit.kind), fit(w, hit.words ?? ''))
    if (!best) return 0
    sum += best
  }
  const label = plain(hit.label)
  const whole = words.join(' ')
  if (whole && label === whole) sum += 60
  else if (whole && label.startsWith(whole)) sum += 30
  return sum
}

/** The hits that fit best, the best first; equal ones keep their order. */
export function rank<T extends Hit>(typed: string, hits: T[], most: number): T[] {
  const fits = hits.map((hit) => ({ hit, n: score(typed, hit) })).filter((x) => x.n > 0)
  return fits.sort((a, b) => b.n - a.n).slice(0, most).map((x) => x.hit)
}
