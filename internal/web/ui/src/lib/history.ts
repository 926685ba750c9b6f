import { unfinished } from './status'

/** How the history is looked at: each tab is a set of states. */
export const tabs: Record<string, string[]> = {
  all: [],
  active: unfinished,
  confirm: ['waiting_confirmation'],
  error: ['error'],
  success: ['success'],
  stopped: ['stopped'],
}

/** How many of the tab there are, where that asks somebody to do something. */
export function tally(tab: string, counts: Record<string, number>): number {
  return tab === 'active' || tab === 'confirm' ? tabs[tab]!.reduce((n, s) => n + (counts[s] ?? 0), 0) : 0
}

/** The middle of the times that a template's successes took, in milliseconds; null for too few to tell. */
export function usual(tasks: { status: string; start: string | null; end: string | null }[]): number | null {
  const took = tasks.filter((t) => t.status === 'success' && t.start && t.end).map((t) => Date.parse(t.end!) - Date.parse(t.start!))
  if (took.length < 2) return null
  took.sort((a, b) => a - b)
  const half = took.length >> 1
  return took.length % 2 ? took[half]! : (took[half - 1]! + took[half]!) / 2
}

/** How far a task is by what the others took: 0 to 1 while it is in time, more where it takes longer. */
export const progress = (ms: number, usually: number) => ms / Math.max(1, usually)
