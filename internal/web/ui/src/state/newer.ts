import { has, t } from '../i18n'
import { changed } from '../lib/newer'
import type { Field } from '../resources/types'
import { choose } from './page'

/** What becomes of a form whose row somebody else changed: it is saved, gives way to the newer row, or stays as it is. */
export type Verdict = 'save' | 'show' | 'stay'

/** Asks before a row is saved over what somebody else saved meanwhile, and says which fields that touched. */
export async function overtaken(before: object, now: object, fields: Field[], moves?: string[]): Promise<Verdict> {
  const keys = changed(before, now, moves)
  if (!keys.length) return 'save'
  const names = new Set(fields.filter((f) => keys.includes(f.key.split('.')[0]!)).map((f) => `f.${f.label ?? f.key}`).filter(has).map((k) => t(k)))
  const text = names.size ? t('newer.fields', { fields: [...names].join(', ') }) : t('newer.text')
  const said = await choose({ title: t('newer.title'), text, action: t('newer.mine'), other: t('newer.show') })
  return said === true ? 'save' : said === 'other' ? 'show' : 'stay'
}
