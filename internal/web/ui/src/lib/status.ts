/** What a status looks like: a shape and a colour of its own beside its word. */
export interface Look {
  shape: 'ring' | 'arc' | 'check' | 'cross' | 'square' | 'diamond' | 'slash' | 'dot'
  tone: 'plain' | 'live' | 'ok' | 'bad' | 'warn'
  moves?: boolean
}

const looks: Record<string, Look> = {
  waiting: { shape: 'ring', tone: 'plain' },
  starting: { shape: 'arc', tone: 'live', moves: true },
  running: { shape: 'arc', tone: 'live', moves: true },
  waiting_confirmation: { shape: 'diamond', tone: 'warn' },
  confirmed: { shape: 'arc', tone: 'live', moves: true },
  rejected: { shape: 'slash', tone: 'plain' },
  stopping: { shape: 'square', tone: 'warn' },
  stopped: { shape: 'square', tone: 'plain' },
  success: { shape: 'check', tone: 'ok' },
  error: { shape: 'cross', tone: 'bad' },
}

/** Statuses that this page does not know are shown by their name. */
export const look = (status: string): Look => looks[status] ?? { shape: 'dot', tone: 'plain' }
export const known = Object.keys(looks)

/** The shape of a status as a letter, where nothing can be drawn. */
export const mark = (status: string): string => ({ ring: '◌', arc: '▶', check: '✓', cross: '✕', square: '■', diamond: '◆', slash: '⊘', dot: '•' })[look(status).shape]

export const finished = (status: string) => status === 'success' || status === 'error' || status === 'stopped'
export const unfinished = known.filter((s) => !finished(s))
export const stoppable = (status: string) => !finished(status) && status !== 'stopping' && status !== 'rejected'

/** How a field of a run dialog is to be read: milliseconds that a task took so far. */
export function took(t: { start: string | null; end: string | null; status: string }, now: number): number | null {
  if (!t.start) return null
  const end = t.end ? Date.parse(t.end) : finished(t.status) ? NaN : now
  return Number.isNaN(end) ? null : Math.max(0, end - Date.parse(t.start))
}
