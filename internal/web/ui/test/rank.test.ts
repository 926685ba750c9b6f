import { describe, expect, it } from 'vitest'
import { rank, score } from '../src/lib/rank'

const hit = (label: string, kind = 'Template', more = {}) => ({ label, kind, ...more })
const names = (typed: string, hits: ReturnType<typeof hit>[], most = 10) => rank(typed, hits, most).map((h) => h.label)

describe('ranking', () => {
  it.each([
    ['the whole name before its beginning', 'deploy', ['Deploy shop', 'Deploy'], ['Deploy', 'Deploy shop']],
    ['its beginning before a word within', 'shop', ['Deploy shop', 'Shop front'], ['Shop front', 'Deploy shop']],
    ['a word within before a part of one', 'end', ['Backend', 'The end'], ['The end', 'Backend']],
    ['all words, in any order', 'shop dep', ['Deploy shop', 'Deploy', 'Shop'], ['Deploy shop']],
    ['letters without accents', 'zoe', ['Zoë', 'Zork'], ['Zoë']],
    ['ё by е', 'еще', ['Ещё один', 'Один'], ['Ещё один']],
    ['numbers with their sign', '#12', ['#12 Deploy', '#21 Deploy'], ['#12 Deploy']],
  ])('prefers %s', (_, typed, from, want) => expect(names(typed, from.map((x) => hit(x)))).toEqual(want))
  it('prefers a name to a kind, and a kind to nothing', () => {
    const hits = [hit('Deploy', 'Key store'), hit('Keys of Rome'), hit('Other')]
    expect(names('key', hits)).toEqual(['Keys of Rome', 'Deploy'])
    expect(names('key deploy', hits)).toEqual(['Deploy'])
  })
  it('finds by words that are not shown', () => expect(names('dark', [hit('Appearance', 'Action', { words: 'dark' })])).toEqual(['Appearance']))
  it('lets weight decide between equals only', () => {
    expect(names('dep', [hit('Depot'), hit('Depths', 'Template', { weight: 5 })])).toEqual(['Depths', 'Depot'])
    expect(names('depot', [hit('Depot'), hit('Old depot', 'Template', { weight: 5 })])).toEqual(['Depot', 'Old depot'])
  })
  it('keeps the order of equals, and so many as are wanted', () => expect(names('a', ['a1', 'a2', 'a3'].map((x) => hit(x)), 2)).toEqual(['a1', 'a2']))
  it('takes typed signs as they are', () => expect(score('.*', hit('Deploy'))).toBe(0))
})
