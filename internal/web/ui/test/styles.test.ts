import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const src = new URL('../src/', import.meta.url)
const files = (readdirSync(src, { recursive: true }) as string[]).filter((f) => f.endsWith('.vue'))
const text = (f: string) => readFileSync(new URL(f, src), 'utf8')
const classes = (s: string) => new Set([...s.matchAll(/\.([a-zA-Z][\w-]*)/g)].map((m) => m[1]!))
const common = classes(text('styles.css')).add('log') // the log and its tools are one
/** The classes that rules of a component begin with, and those that its elements have. */
const parts = files.map((f) => {
  const [all, style = ''] = text(f).split(/<style[^>]*>/)
  const selectors = style.replace(/\/\*.*?\*\//gs, '').match(/[^{}]+(?=\{)/g) ?? []
  const begun = selectors.flatMap((s) => s.split(',')).flatMap((s) => /^\s*\.([\w-]+)/.exec(s)?.[1] ?? [])
  return { f, begun: new Set(begun.filter((c) => !common.has(c))), has: new Set([...all!.matchAll(/ class="([^"]*)"/g)].flatMap((m) => m[1]!.split(/\s+/))) }
})

// Styles of components are seen by the whole page.
it('classes of one component are not met in another by chance', () => {
  const met = parts.flatMap((p) => [...p.begun].flatMap((c) => parts.filter((o) => o !== p && o.has.has(c)).map((o) => `.${c} of ${p.f} in ${o.f}`)))
  expect(met).toEqual([])
})
