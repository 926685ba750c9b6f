/** The viewer's time zone. */
export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone

/** Names of time zones: the given ones first, then UTC and all that the browser knows. */
export function zones(first: string[]): string[] {
  const all = (Intl as { supportedValuesOf?: (key: string) => string[] }).supportedValuesOf?.('timeZone') ?? []
  return [...new Set([...first.filter(Boolean), 'UTC', ...all])]
}

/** How far a zone is from UTC at a time: "GMT+2". */
export function offset(time: string | number, zone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(new Date(time)).find((p) => p.type === 'timeZoneName')?.value ?? ''
  } catch {
    return ''
  }
}

export interface NextRun {
  time: string
  text: string // in the viewer's zone
  there: string // in the schedule's zone, where its clock shows another time
  change: string // the new offset of the schedule's zone, where its clock was changed since the run before
}

/** When a schedule runs next, as its viewer and its own zone write it. */
export function nextRuns(times: string[], zone: string, own: string, language: string): NextRun[] {
  const known = offset(0, zone) !== ''
  const far = known ? zone : own
  const date = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' } as const
  const write = (at: Date, timeZone: string, o: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, { ...o, timeZone }).format(at)
  return times.map((time, i) => {
    const at = new Date(time)
    const sameDay = write(at, own, date) === write(at, far, date)
    const full = { ...date, hour: '2-digit', minute: '2-digit' } as const
    const text = write(at, own, full)
    const there = write(at, far, full)
    const before = times[i - 1]
    const moved = known && before !== undefined && offset(before, zone) !== offset(time, zone)
    return { time, text, there: there === text ? '' : write(at, far, { ...(sameDay ? {} : { weekday: 'short' }), hour: '2-digit', minute: '2-digit' }), change: moved ? offset(time, zone) : '' }
  })
}
