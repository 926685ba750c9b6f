import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { languages, russianForm } from '../src/i18n'

const read = (id: string) => JSON.parse(readFileSync(new URL(`../src/i18n/${id}.json`, import.meta.url), 'utf8')) as Record<string, string>
const en = read('en')
const ru = read('ru')
const texts = { en, ru }
const root = new URL('../src', import.meta.url).pathname
const files = (readdirSync(root, { recursive: true }) as string[]).filter((f) => /\.(vue|ts)$/.test(f)).map((f) => readFileSync(join(root, f), 'utf8'))

describe('messages', () => {
  it('are the same in all languages', () => {
    expect(Object.keys(languages).sort()).toEqual(Object.keys(texts).sort())
    for (const m of Object.values(texts)) expect(Object.keys(m).sort()).toEqual(Object.keys(en).sort())
  })
  it('hold the same values', () => {
    const named = (s: string) => [...new Set(s.match(/\{\w+\}/g))].sort()
    for (const [k, v] of Object.entries(en)) expect(named(ru[k]!), k).toEqual(named(v))
  })
  it('are none that are empty or still English', () => {
    for (const m of Object.values(texts)) for (const [k, v] of Object.entries(m)) expect(v.trim(), k).not.toBe('')
    const latin = Object.entries(ru).filter(([k, v]) => !/[а-яё]/i.test(v) && v === en[k] && !/^[A-Za-z0-9.,…@: \-/[\]_]*$/.test(v))
    expect(latin).toEqual([])
  })
  it('exist wherever the sources name them', () => {
    const used = new Set(files.flatMap((f) => [...f.matchAll(/\bt\(\s*'([a-z_]+\.[\w.-]+)'/g)].map((m) => m[1]!)))
    expect(used.size).toBeGreaterThan(200)
    expect([...used].filter((k) => !(k in en))).toEqual([])
  })
  it('have their three Russian forms', () => {
    expect([1, 2, 5, 11, 12, 21, 22, 25, 111].map((n) => russianForm(n, 3))).toEqual([0, 1, 2, 2, 2, 0, 1, 2, 2])
    for (const [k, v] of Object.entries(en)) if (v.includes(' | ')) expect(ru[k]!.split(' | '), k).toHaveLength(3)
  })
})
