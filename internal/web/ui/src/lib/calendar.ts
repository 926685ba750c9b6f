import type { CalendarRun } from '../api/schema'

/** Days are dates as 2026-01-31. They are reckoned in UTC, where each has 24 hours. */
const day = 86_400_000
const utc = (date: string) => Date.parse(`${date}T00:00:00Z`)
const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)

/** The date of a time in the viewer's zone. */
export function today(now: number): string {
  const d = new Date(now)
  return dateOf(Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()))
}

export const isDate = (text: unknown): text is string => typeof text === 'string' && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(utc(text)) && dateOf(utc(text)) === text
export const add = (date: string, days: number) => dateOf(utc(date) + days * day)

/** The same day of another month, or the last one of it. */
export function addMonths(date: string, months: number): string {
  const d = new Date(utc(date))
  const last = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + months + 1, 0))
  return dateOf(Date.UTC(last.getUTCFullYear(), last.getUTCMonth(), Math.min(d.getUTCDate(), last.getUTCDate())))
}

/** On which day weeks begin where a language is spoken: 1 is Monday, 7 Sunday. */
export function firstDay(language: string): number {
  try {
    const l = new Intl.Locale(language) as Intl.Locale & { getWeekInfo?: () => { firstDay: number }; weekInfo?: { firstDay: number } }
    return l.getWeekInfo?.().firstDay ?? l.weekInfo?.firstDay ?? 1
  } catch {
    return 1
  }
}

/** The week of a date. */
export function week(date: string, first: number): string[] {
  const before = (new Date(utc(date)).getUTCDay() - first + 7) % 7
  return Array.from({ length: 7 }, (_, i) => add(date, i - before))
}

/** All weeks that a date's month has a part of. */
export function month(date: string, first: number): string[][] {
  const out: string[][] = []
  for (let at = `${date.slice(0, 8)}01`; ; ) {
    const days = week(at, first)
    if (out.length && days[0]!.slice(0, 7) !== date.slice(0, 7)) return out
    out.push(days)
    at = add(days[0]!, 7)
  }
}

/** A date in words, whatever the viewer's zone. */
export const words = (date: string, language: string, o: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, { ...o, timeZone: 'UTC' }).format(utc(date))

/** A number of seconds in the largest unit that it is a whole number of. */
export function interval(seconds: number): { unit: 'hours' | 'minutes' | 'seconds'; n: number } {
  if (seconds % 3600 === 0) return { unit: 'hours', n: seconds / 3600 }
  return seconds % 60 === 0 ? { unit: 'minutes', n: seconds / 60 } : { unit: 'seconds', n: seconds }
}

/** The one state that stands for all tasks of a day: what asks for attention goes first. */
export function worst(statuses: Record<string, number>): string {
  const order = ['error', 'waiting_confirmation', 'stopping', 'running', 'starting', 'confirmed', 'waiting', 'stopped', 'rejected', 'success']
  return order.find((s) => statuses[s]) ?? Object.keys(statuses)[0] ?? ''
}

export function byDay(runs: CalendarRun[]): Map<string, CalendarRun[]> {
  const out = new Map<string, CalendarRun[]>()
  for (const r of runs) out.set(r.date, [...(out.get(r.date) ?? []), r])
  return out
}

/** What a key does to the day that is chosen; undefined for nothing. */
export function moved(date: string, key: string, first: number): string | undefined {
  const days = week(date, first)
  switch (key) {
    case 'ArrowLeft':
      return add(date, -1)
    case 'ArrowRight':
      return add(date, 1)
    case 'ArrowUp':
      return add(date, -7)
    case 'ArrowDown':
      return add(date, 7)
    case 'Home':
      return days[0]
    case 'End':
      return days[6]
    case 'PageUp':
      return addMonths(date, -1)
    case 'PageDown':
      return addMonths(date, 1)
  }
}
