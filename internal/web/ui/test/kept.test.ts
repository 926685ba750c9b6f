import { afterEach, describe, expect, it, vi } from 'vitest'
import { keep, keepList, kept, keptList } from '../src/lib/kept'

afterEach(() => vi.unstubAllGlobals())

function storage() {
  const m = new Map<string, string>()
  vi.stubGlobal('localStorage', { getItem: (k: string) => m.get(k) ?? null, setItem: (k: string, v: string) => m.set(k, v), removeItem: (k: string) => m.delete(k) })
}

describe('what a browser keeps', () => {
  it('is kept and forgotten', () => {
    storage()
    keep('a', 'x')
    expect(kept('a')).toBe('x')
    keep('a', null)
    expect(kept('a')).toBeNull()
    keepList('b', new Set(['p', 'q']))
    expect(keptList('b')).toEqual(['p', 'q'])
  })
  it('is none where somebody else has written it', () => {
    storage()
    for (const [text, list] of [['{', null], ['7', null], ['["p",1,null]', ['p']]] as const) {
      keep('b', text)
      expect(keptList('b')).toEqual(list)
    }
  })
  it('is nothing in a browser that refuses, which breaks nothing', () => {
    vi.stubGlobal('localStorage', new Proxy({}, { get: () => { throw new Error('denied') } }))
    keep('a', 'x')
    keepList('b', ['p'])
    expect([kept('a'), keptList('b')]).toEqual([null, null])
  })
})
