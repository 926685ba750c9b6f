import { expect, test } from 'vitest'
import { changed } from '../src/lib/newer'

test('what somebody else changed is found', () => {
  expect(changed({ id: 1, name: 'a', playbook: 'x' }, { id: 1, name: 'b', playbook: 'x' })).toEqual(['name'])
  expect(changed({ id: 1 }, { id: 1, description: 'new', autorun: true })).toEqual(['autorun', 'description'])
  expect(changed({ id: 1, description: 'old' }, { id: 1 })).toEqual(['description'])
})

test('it is found within objects and lists, whose order counts', () => {
  expect(changed({ options: { depth: 1 } }, { options: { depth: 2 } })).toEqual(['options'])
  expect(changed({ vaults: [{ id: 1 }, { id: 2 }] }, { vaults: [{ id: 2 }, { id: 1 }] })).toEqual(['vaults'])
  expect(changed({ secrets: [{ id: 1 }] }, { secrets: [] })).toEqual(['secrets'])
})

test('the order of members and null for nothing are no change', () => {
  expect(changed({ id: 1, o: { a: 1, b: 2 } }, { o: { b: 2, a: 1 }, id: 1 })).toEqual([])
  expect(changed({ id: 1, tag: null, o: { x: null } }, { id: 1, o: {} })).toEqual([])
  expect(changed({ on: false, n: 0, s: '' }, {})).toEqual(['n', 'on', 's'])
})

test('what changes by itself is no change', () => {
  const [before, now] = [{ name: 'a', tasks: 3, last_task: { id: 3 } }, { name: 'a', tasks: 4, last_task: { id: 4 } }]
  expect(changed(before, now, ['tasks', 'last_task'])).toEqual([])
  expect(changed(before, { ...now, name: 'b' }, ['tasks', 'last_task'])).toEqual(['name'])
})
