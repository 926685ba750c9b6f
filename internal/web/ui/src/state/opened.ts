import { keepList, keptList } from '../lib/kept'
import { session } from './session'

const MOST = 8
const name = () => `opened.${session.user?.id ?? 0}.${session.project?.id ?? 0}`

/** The tasks and templates that were opened last in the current project, by their paths below it: names are not kept. */
export const opened = (): string[] => (keptList(name()) ?? []).filter((x) => /^(tasks|templates)\/\d+$/.test(x))

/** Keeps what is opened; the router calls it. */
export function remember(params: Record<string, unknown>) {
  const path = params.task ? `tasks/${String(params.task)}` : params.template ? `templates/${String(params.template)}` : ''
  if (path) keepList(name(), [path, ...opened().filter((x) => x !== path)].slice(0, MOST))
}
