import { expect, test } from 'vitest'
import { keepDraft, takeDraft } from '../src/state/draft'

test('a draft is given back once, at its own address', () => {
  keepDraft(1, '/project/1/keys/new', { name: 'typed' })
  expect(takeDraft(1, '/project/1/keys/2')).toBeNull()
  expect(takeDraft(1, '/project/1/keys/new')).toEqual({ name: 'typed' })
  expect(takeDraft(1, '/project/1/keys/new')).toBeNull()
})

test('a draft is gone as soon as somebody else opens a form', () => {
  keepDraft(1, '/project/1/keys/new', { name: 'typed' })
  expect(takeDraft(2, '/project/1/keys/3')).toBeNull()
  expect(takeDraft(1, '/project/1/keys/new')).toBeNull()
})
