import type { TaskStat } from '../api/schema'
import { add, today } from './calendar'

export const kinds = ['success', 'error', 'stopped'] as const
export type Kind = (typeof kinds)[number]

/** Tasks of one day, or of the week that begins with it, by how they ended. */
export interface Bar extends Record<Kind, number> {
  date: string
}

/** The date of the first of a number of days of which today is the last. */
export const since = (days: number, now = Date.now()) => add(today(now), 1 - days)

/** One bar for each day, or for each seven where there would be too many to see. */
export function bars(stats: TaskStat[], days: number, now = Date.now()): Bar[] {
  const found = new Map(stats.map((s) => [s.date, s.count_by_status as Partial<Record<Kind, number>>]))
  const width = days > 120 ? 7 : 1
  const first = since(days, now)
  const out: Bar[] = []
  for (let i = 0; i < days; i++) {
    const date = add(first, i)
    if (i % width === 0) out.push({ date, success: 0, error: 0, stopped: 0 })
    const bar = out[out.length - 1]!
    for (const k of kinds) bar[k] += found.get(date)?.[k] ?? 0
  }
  return out
}

/** Sums by kind, the share of successes among what ended, and how long a task took: null where none did. */
export function totals(stats: TaskStat[]) {
  const sum = Object.fromEntries(kinds.map((k) => [k, stats.reduce((n, s) => n + ((s.count_by_status as Partial<Record<Kind, number>>)[k] ?? 0), 0)])) as Record<Kind, number>
  const ended = sum.success + sum.error
  const counts = stats.map((s) => kinds.reduce((n, k) => n + ((s.count_by_status as Partial<Record<Kind, number>>)[k] ?? 0), 0))
  const all = counts.reduce((a, b) => a + b, 0)
  const seconds = stats.reduce((n, s, i) => n + s.avg_duration * counts[i]!, 0)
  return { sum, rate: ended ? sum.success / ended : null, took: all ? (seconds / all) * 1000 : null }
}
