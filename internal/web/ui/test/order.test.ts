import { describe, expect, test } from 'vitest'
import { moved, placeAt, priorities } from '../src/lib/order'

test('an item goes to another place', () => {
  expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a'])
  expect(moved(['a', 'b', 'c'], 2, 1)).toEqual(['a', 'c', 'b'])
})

test('what is dragged goes where it is let go', () => {
  const rows = [[0, 10], [10, 20], [20, 30]] as const
  expect([-5, 4, 14, 16, 26, 90].map((y) => placeAt(rows, 0, y))).toEqual([0, 0, 0, 1, 2, 2])
  expect([-5, 4, 6, 14, 16, 90].map((y) => placeAt(rows, 2, y))).toEqual([0, 0, 1, 1, 2, 2])
})

describe('priorities', () => {
  const list = (...p: number[]) => p.map((priority, i) => ({ id: 'abcd'[i]!, priority }))
  const order = (l: { id: string; priority: number }[], change: Map<string, number>) =>
    l.map((x) => ({ ...x, priority: change.get(x.id) ?? x.priority })).sort((a, b) => b.priority - a.priority || a.id.localeCompare(b.id)).map((x) => x.id).join('')
  test('change one where there is room', () => {
    expect([...priorities(list(1000, 900, 800), 2, 1)]).toEqual([['c', 950]])
    expect([...priorities(list(1000, 900, 800), 2, 0)]).toEqual([['c', 1100]])
    expect([...priorities(list(1000, 900, 800), 0, 2)]).toEqual([['a', 700]])
  })
  test('lead to the wanted order, also among equal ones', () => {
    for (const l of [list(3, 2, 1, 0), list(0, 0, 0, 0), list(1000, 900, 0, 0), list(5, 5, 4, 4)])
      for (let from = 0; from < 4; from++)
        for (let to = 0; to < 4; to++) if (from !== to) expect(order(l, priorities(l, from, to)), `${from}→${to}`).toBe(moved(['a', 'b', 'c', 'd'], from, to).join(''))
  })
})
