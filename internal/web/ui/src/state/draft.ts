/** What a form of the page has to say: its state is asked for when it counts. */
export interface Form {
  name: string // among the forms of one address
  user: number
  changed: () => boolean
  value: () => unknown // what is kept; nobody else changes it
  left?: boolean // its user has said that it may go
}

interface Draft {
  name: string
  user: number
  path: string
  value: unknown
}

/** In memory alone: a form may hold a secret, and storage outlives the page. */
let drafts: Draft[] = []
const open = new Set<Form>()

/** Makes a form known while it is shown. */
export function openForm(f: Form): () => void {
  open.add(f)
  return () => open.delete(f)
}

/** The forms that would be lost by leaving. */
export const unsaved = () => [...open].filter((f) => !f.left && f.changed())

/** After the answer to the question whether they may go. */
export function release(left: boolean) {
  for (const f of open) f.left = left
}

/** Keeps what was typed into the forms of an address while its user signs in again. */
export function keepDrafts(path: string) {
  for (const f of unsaved()) drafts.push({ name: f.name, user: f.user, path: place(path), value: f.value() })
}

/** What the user had typed into that form; it stays until it is taken. */
export function draftOf(name: string, user: number, path: string): unknown {
  return drafts.findLast((d) => d.name === name && d.user === user && d.path === place(path))?.value
}

/** The same, given once. */
export function takeDraft(name: string, user: number, path: string): unknown {
  const value = draftOf(name, user, path)
  drafts = drafts.filter((d) => d.name !== name || d.path !== place(path))
  return value
}

/** Forgets what anybody but that user had typed; with 0, all of it. */
export function dropDrafts(user: number) {
  drafts = drafts.filter((d) => d.user === user)
}

/** A line of a log that is pointed at makes no other form. */
const place = (path: string) => path.replace(/#.*$/, '')
