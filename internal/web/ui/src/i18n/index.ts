import { createI18n } from 'vue-i18n'
import en from './en.json'

/** A further language is a file beside en.json and a line here. */
export const languages: Record<string, { name: string; load: () => Promise<{ default: Record<string, string> }> }> = {
  en: { name: 'English', load: async () => ({ default: en }) },
  ru: { name: 'Русский', load: () => import('./ru.json') },
}

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
export const locale = i18n.global.locale

export async function setLanguage(id: string) {
  const language = languages[id] ? id : 'en'
  i18n.global.setLocaleMessage(language, (await languages[language]!.load()).default)
  locale.value = language
  document.documentElement.lang = language
  try {
    localStorage.setItem('language', language)
  } catch {
    // It holds for this visit.
  }
}

/** The language chosen before, else the first of the browser's that there is. */
export function preferred(): string {
  let kept = ''
  try {
    kept = localStorage.getItem('language') ?? ''
  } catch {
    // Nothing is kept here.
  }
  return [kept, ...navigator.languages.map((l) => l.slice(0, 2))].find((l) => languages[l]) ?? 'en'
}
