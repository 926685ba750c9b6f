import { region, t } from '../i18n'

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** "5 minutes ago", in the language of the page. */
export function relative(time: string | number | Date, now: number): string {
  const seconds = Math.round((new Date(time).getTime() - now) / 1000)
  const format = new Intl.RelativeTimeFormat(region.value, { numeric: 'auto', style: 'short' })
  for (const [unit, size] of units) if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit)
  return format.format(Math.abs(seconds) < 10 ? 0 : seconds, 'second')
}

/** Date, time to the second and zone, as the viewer writes them. */
export const exact = (time: string | number | Date) =>
  new Intl.DateTimeFormat(region.value, { dateStyle: 'medium', timeStyle: 'long' }).format(new Date(time))

/** 14:03:22.120 in the viewer's zone. */
export function clock(time: string): string {
  const d = new Date(time)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, '0')}`
}

/** A number as the viewer writes it. */
export const number = (n: number, digits = 0) => new Intl.NumberFormat(region.value, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n)

/** 850 ms, 12.3 s, 4:05, 1:02:33. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return ''
  if (ms < 1000) return t('unit.ms', { n: Math.round(ms) })
  if (ms < 60_000) return t('unit.s', { n: number(Math.floor(ms / 100) / 10, 1) })
  const s = Math.floor(ms / 1000)
  const two = (n: number) => String(n).padStart(2, '0')
  const h = Math.floor(s / 3600)
  return h ? `${h}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`
}

/** The value of a datetime-local input, in the viewer's zone. */
export function localInput(time: string | null | undefined): string {
  if (!time) return ''
  const d = new Date(time)
  return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** A size in units of 1024. */
export const bytes = (n: number) => (n < 1024 ? t('unit.b', { n: number(n) }) : n < 1 << 20 ? t('unit.kib', { n: number(n / 1024, 1) }) : t('unit.mib', { n: number(n / (1 << 20), 1) }))
