import { shallowRef } from 'vue'
import type { Row } from '../resources/types'

interface Draft {
  user: number
  path: string
  row: Row
}

/** In memory alone: a form may hold a secret, and storage outlives the page. */
const draft = shallowRef<Draft | null>(null)

/** Keeps what was typed into the form of an address while its user signs in again. */
export function keepDraft(user: number, path: string, row: Row) {
  draft.value = { user, path, row }
}

/** What the user had typed into the form of that address. It is given once, and to nobody else. */
export function takeDraft(user: number, path: string): Row | null {
  const d = draft.value
  if (!d || (d.user === user && d.path !== path)) return null
  draft.value = null
  return d.user === user ? d.row : null
}
