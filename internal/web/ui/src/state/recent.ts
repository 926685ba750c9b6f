import { session } from './session'

const MOST = 8
const name = () => `recent.${session.user?.id ?? 0}.${session.project?.id ?? 0}`

/** The tasks and templates that were opened last in the current project, by their paths below it: names are not kept. */
export function recent(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(name()) ?? '[]')
    return Array.isArray(kept) ? kept.filter((x): x is string => typeof x === 'string' && /^(tasks|templates)\/\d+$/.test(x)) : []
  } catch {
    return []
  }
}

/** Keeps what is opened; the router calls it. */
export function remember(params: Record<string, unknown>) {
  const path = params.task ? `tasks/${String(params.task)}` : params.template ? `templates/${String(params.template)}` : ''
  if (!path) return
  try {
    localStorage.setItem(name(), JSON.stringify([path, ...recent().filter((x) => x !== path)].slice(0, MOST)))
  } catch {
    // Nothing is kept here.
  }
}
