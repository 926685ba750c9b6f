import type { Stage } from '../api/schema'

/** A stretch of a log: a phase of the run, or a play or a task of Ansible. */
export interface Part {
  kind: 'phase' | 'play' | 'task'
  type: string
  name: string
  level: number
  from: number
  to: number // the last line; smaller than from where there is none
  ms: number // how long it took; NaN while it lasts
  under: number // the part that it is folded with in the outline, by its place; -1 for none
}

const shown = new Set(['init', 'terraform_plan', 'terraform_apply', 'running', 'play', 'task', 'print_result'])

/** The parts of a log in the order of their lines. The phase around plays has no part of its own. */
export function partsOf(stages: readonly Stage[]): Part[] {
  const plays = stages.some((s) => s.type === 'play')
  const out: Part[] = []
  let play = -1
  for (const s of stages) {
    if (!shown.has(s.type) || (s.type === 'running' && plays)) continue
    const kind = s.type === 'play' || s.type === 'task' ? s.type : 'phase'
    if (kind === 'play') play = out.length
    else if (kind === 'phase') play = -1
    out.push({
      kind,
      type: s.type,
      name: s.name ?? '',
      level: kind === 'task' ? 1 : 0,
      from: s.start_output_id,
      to: s.end_output_id,
      ms: s.start && s.end ? Date.parse(s.end) - Date.parse(s.start) : NaN,
      under: kind === 'task' ? play : -1,
    })
  }
  return out
}

/** The place of the part that a line lies in, or of the last one before it; -1 for none. */
export function partAt(parts: readonly Part[], line: number): number {
  let lo = 0
  let hi = parts.length
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    if (parts[mid]!.from <= line) lo = mid + 1
    else hi = mid
  }
  return lo - 1
}

/** Whether the parts say more than the log alone: names, or the phases of a plan. */
export const telling = (parts: readonly Part[]) => parts.some((p) => p.name !== '' || p.type.startsWith('terraform_'))
