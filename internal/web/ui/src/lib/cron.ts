/** A cron expression in words, or why it is none. cronstrue is loaded when first needed. */
export async function words(cron: string, language: string): Promise<{ text: string; error: boolean }> {
  let spec = cron.trim()
  const zone = /^(?:CRON_TZ|TZ)=(\S+)\s+/.exec(spec)
  if (zone) spec = spec.slice(zone[0].length)
  if (!spec) return { text: '', error: false }
  if (spec.startsWith('@every ')) return { text: spec, error: false }
  const { default: cronstrue } = await import('cronstrue/i18n')
  try {
    const text = cronstrue.toString(spec, { locale: language, use24HourTimeFormat: true, throwExceptionOnParseError: true })
    return { text: zone ? `${text} (${zone[1]})` : text, error: false }
  } catch (e) {
    return { text: String(e).replace(/^Error:\s*/, ''), error: true }
  }
}

export type Every = 'hour' | 'day' | 'week' | 'month' | 'year' | 'custom'
export interface Parts {
  every: Every
  minute: number
  hour: number
  weekday: number
  day: number
  month: number
}

/** Reads an expression that the builder could have written; anything else is custom. */
export function parse(cron: string): Parts {
  const out: Parts = { every: 'custom', minute: 0, hour: 0, weekday: 1, day: 1, month: 1 }
  const f = cron.trim().split(/\s+/)
  if (f.length !== 5) return out
  const number = (i: number) => (/^\d+$/.test(f[i]!) ? Number(f[i]) : null)
  const star = (i: number) => f[i] === '*'
  const [m, h, d, mo, w] = [number(0), number(1), number(2), number(3), number(4)]
  if (m === null) return out
  out.minute = m
  if (star(1) && star(2) && star(3) && star(4)) return { ...out, every: 'hour' }
  if (h === null) return out
  out.hour = h
  if (star(2) && star(3) && star(4)) return { ...out, every: 'day' }
  if (star(2) && star(3) && w !== null) return { ...out, every: 'week', weekday: w % 7 }
  if (d !== null && star(3) && star(4)) return { ...out, every: 'month', day: d }
  if (d !== null && mo !== null && star(4)) return { ...out, every: 'year', day: d, month: mo }
  return out
}

/** Writes the expression. */
export function build(p: Parts): string {
  switch (p.every) {
    case 'hour':
      return `${p.minute} * * * *`
    case 'day':
      return `${p.minute} ${p.hour} * * *`
    case 'week':
      return `${p.minute} ${p.hour} * * ${p.weekday}`
    case 'month':
      return `${p.minute} ${p.hour} ${p.day} * *`
    default:
      return `${p.minute} ${p.hour} ${p.day} ${p.month} *`
  }
}
