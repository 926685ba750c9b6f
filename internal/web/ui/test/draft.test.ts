import { beforeEach, describe, expect, test } from 'vitest'
import { draftOf, dropDrafts, keepDrafts, openForm, release, takeDraft, unsaved } from '../src/state/draft'

const path = '/project/1/keys/new'
/** A form that was typed into, kept as the session ends. */
function typed(name: string, user: number, value: unknown, at = path) {
  const close = openForm({ name, user, changed: () => true, value: () => value })
  keepDrafts(at)
  close()
}
beforeEach(() => dropDrafts(0))

describe('what was typed', () => {
  test('is given back once, at its own address, to its own form', () => {
    typed('row', 1, { name: 'typed' })
    expect(takeDraft('row', 1, '/project/1/keys/2')).toBeUndefined()
    expect(takeDraft('run', 1, path)).toBeUndefined()
    expect(takeDraft('row', 1, path)).toEqual({ name: 'typed' })
    expect(takeDraft('row', 1, path)).toBeUndefined()
  })
  test('stays for a dialog that is not open yet, whatever line is pointed at', () => {
    typed('run', 1, 'answers', '/project/1/tasks/5#L7')
    expect(draftOf('run', 1, '/project/1/tasks/5')).toBe('answers')
    expect(takeDraft('run', 1, '/project/1/tasks/5')).toBe('answers')
  })
  test('is kept for each form of a page', () => {
    const close = [openForm({ name: 'a', user: 1, changed: () => true, value: () => 'one' }), openForm({ name: 'b', user: 1, changed: () => true, value: () => 'two' })]
    keepDrafts(path)
    for (const f of close) f()
    expect([takeDraft('a', 1, path), takeDraft('b', 1, path)]).toEqual(['one', 'two'])
  })
  test('is nobody else’s, and gone as soon as somebody else signs in', () => {
    typed('row', 1, 'secret')
    expect(draftOf('row', 2, path)).toBeUndefined()
    dropDrafts(2)
    expect(draftOf('row', 1, path)).toBeUndefined()
  })
  test('is asked about until its user lets it go', () => {
    let changed = false
    const close = openForm({ name: 'row', user: 1, changed: () => changed, value: () => '' })
    expect(unsaved()).toHaveLength(0)
    changed = true
    expect(unsaved()).toHaveLength(1)
    release(true)
    expect(unsaved()).toHaveLength(0)
    release(false)
    expect(unsaved()).toHaveLength(1)
    close()
    expect(unsaved()).toHaveLength(0)
  })
})
