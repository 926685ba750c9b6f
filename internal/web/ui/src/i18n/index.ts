import { shallowRef } from 'vue'
import { createI18n } from 'vue-i18n'
import { keep, kept } from '../lib/kept'
import en from './en.json'

type Messages = Promise<{ default: Record<string, string> }>
/** A further language is a file beside en.json, one beside server.en.json and a line here. */
export const languages: Record<string, { name: string; load: () => Messages; server?: () => Messages }> = {
  en: { name: 'English', load: async () => ({ default: en }) },
  ru: { name: 'Русский', load: () => import('./ru.json'), server: () => import('./server.ru.json') as unknown as Messages },
}
/** What the server says, in the language of the page; null for English. */
export const texts = shallowRef<Record<string, string> | null>(null)

/** Russian has three forms: 1 строка, 2 строки, 5 строк. */
export function russianForm(n: number, forms: number): number {
  if (forms < 3) return n === 1 ? 0 : 1
  const ten = n % 10
  const hundred = n % 100
  if (ten === 1 && hundred !== 11) return 0
  return ten >= 2 && ten <= 4 && (hundred < 12 || hundred > 14) ? 1 : 2
}

export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  flatJson: true,
  warnHtmlMessage: false,
  messages: { en } as Record<string, Record<string, string>>,
  pluralRules: { ru: russianForm },
})

export const t = i18n.global.t as (key: string, named?: Record<string, unknown> | number, more?: unknown) => string
export const has = (key: string) => i18n.global.te(key, 'en')
/** A title in the language of the page where it is still that of the server. */
export const titleOf = (kind: string, id: string, title: string) => (has(`${kind}.${id}`) && i18n.global.t(`${kind}.${id}`, {}, { locale: 'en' }) === title ? t(`${kind}.${id}`) : title || id)
export const locale = i18n.global.locale
/** The language with the region that the browser wants, for dates and numbers: en-GB has 24 hours. */
export const region = shallowRef('en')

/** The first of the browser's languages that is the page's, else the page's. */
export function regionOf(language: string, wanted: readonly string[]): string {
  return wanted.find((l) => l.toLowerCase().startsWith(language + '-') && Intl.DateTimeFormat.supportedLocalesOf(l).length) ?? language
}

export async function setLanguage(id: string) {
  const language = languages[id] ? id : 'en'
  const [page, server] = await Promise.all([languages[language]!.load(), languages[language]!.server?.()])
  i18n.global.setLocaleMessage(language, page.default)
  texts.value = server?.default ?? null
  locale.value = language
  region.value = regionOf(language, navigator.languages)
  document.documentElement.lang = language
  keep('language', language)
}

/** The language chosen before, else the first of the browser's that there is. */
export function preferred(): string {
  return [kept('language') ?? '', ...navigator.languages.map((l) => l.slice(0, 2))].find((l) => languages[l]) ?? 'en'
}
