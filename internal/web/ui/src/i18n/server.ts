import { Patterns } from '../lib/patterns'
import { has, t, texts } from './index'

/** Members of bodies whose labels in forms have other names, or stand elsewhere. */
const labels: Record<string, string> = {
  'survey_vars.name': 'f.survey_name', 'secrets.name': 'field.name', 'secrets.type': 'f.type', 'survey_vars.title': 'f.survey_title', 'survey_vars.values': 'survey.values', 'vaults.id': 'vault.id', 'vaults.name': 'vault.id', 'vaults.vault_key_id': 'f.ssh_key_id',
  key: 'f.host_key', current_password: 'password.current', auth: 'login.name', passcode: 'login.code', recovery_code: 'login.recovery', scopes: 'tokens.scope', expires: 'tokens.expires', 'repository.url': 'f.git_url', 'repository.key': 'f.ssh_key_id', webhook: 'f.webhook', params: 'd.params', secret: 'field.secret',
}
const path = /^([a-z][a-z_]*(?:\[\d+\])?(?:\.\w+(?:\[\d+\])?)*): ([^]*)$/

/** "survey_vars[2].name" as the form calls it: "Questions 3, Variable". Empty for what no form has. */
export function fieldLabel(field: string): string {
  const parts = field.split('.')
  const name = (s: string) => s.replace(/\[\d+\]/g, '')
  const one = (s: string) => {
    const key = labels[name(s)] ?? `f.${name(s)}`
    return has(key) ? t(key) : ''
  }
  const whole = one(field) || (parts.length > 1 && !/\[/.test(field) ? one(parts.at(-1)!) : '')
  if (!/\[\d+\]/.test(parts[0]!)) return whole || (parts.length > 1 ? one(parts[0]!) : '')
  const list = one(parts[0]!)
  const n = Number(/\[(\d+)\]/.exec(parts[0]!)![1]) + 1
  const member = parts.length > 1 ? (labels[name(field)] ? one(field) : one(parts.at(-1)!)) : ''
  return list ? `${list} ${n}${member ? ', ' + member : ''}` : member
}

/** What the server calls tables by, and the page its screens. */
const tables: Record<string, string> = { templates: 'nav.templates', inventories: 'nav.inventory', repositories: 'nav.repositories', integrations: 'nav.integrations', schedules: 'nav.schedule', 'access keys': 'nav.keys' }

/** The page's own word for a status, a role or a kind that a text names, or for several. */
function word(s: string): string {
  if (s.includes(', ')) {
    const all = s.split(', ').map(word)
    return all.every(Boolean) ? all.join(', ') : ''
  }
  for (const key of [tables[s] ?? '', `status.${s}`, `role.${s}`, `inv.${s}`, s === 'login_password' ? 'key.login_password' : '']) {
    if (!has(key) || (key.startsWith('inv.') && !s.includes('-'))) continue
    const v = t(key)
    return /^\p{Lu}\p{Ll}/u.test(v) && !v.includes('(') ? v[0]!.toLowerCase() + v.slice(1) : v
  }
  return ''
}

const DEEPEST = 8
let patterns: Patterns | null = null
let made: unknown = null
const kept = new Map<string, string>()

function render(text: string, depth: number): string {
  if (!text || depth > DEEPEST) return text
  const named = word(text)
  if (depth && named) return named
  const begun = patterns?.beginning(text)
  if (begun) return fill(begun, depth)
  const field = path.exec(text)
  const label = field ? fieldLabel(field[1]!) : ''
  if (label) return `${label}: ${render(field![2]!, depth + 1)}`
  const open = patterns?.anything(text)
  if (open) return fill(open, depth)
  if (text.includes('\n')) return text.split('\n').map((l) => render(l, depth + 1)).join('\n')
  const object = patterns && /^([a-z][a-z ]+) "((?:[^"\\]|\\.)*)"$/.exec(text)
  if (object && patterns!.beginning(object[1]!)) return `${render(object[1]!, depth + 1)} ${t('text.quoted', { name: object[2] })}`
  const lower = text[0]!.toLowerCase() + text.slice(1)
  if (depth && lower !== text && patterns?.beginning(lower)) return render(lower, depth + 1)
  const i = text.indexOf(': ')
  return i < 0 ? text : `${render(text.slice(0, i), depth + 1)}: ${render(text.slice(i + 2), depth + 1)}`
}

function fill(found: { to: string; args: Record<string, string>; quoted: Set<string> }, depth: number): string {
  return found.to.replace(/\{(\d+)\}/g, (_, n: string) => (found.quoted.has(n) ? found.args[n]! : render(found.args[n]!, depth + 1)))
}

/** Statuses within English texts, which are not looked up. */
const statuses = /\b((?:ended as|it is|a task is) )([a-z_]+)\b/g

/**
 * A text of the server in the language of the page: by its pattern, piece by
 * piece where an error wraps others, else as it is. Fields are called as forms
 * call them.
 */
export function say(text: string | null | undefined): string {
  if (!text) return ''
  if (made !== texts.value) {
    made = texts.value
    patterns = texts.value ? new Patterns(texts.value) : null
    kept.clear()
  }
  let said = kept.get(text)
  if (said === undefined) {
    said = render(text, 0)
    if (!patterns) said = said.replace(statuses, (all, before: string, s: string) => (has(`status.${s}`) ? before + word(s) : all))
    if (kept.size > 1000) kept.clear()
    kept.set(text, said)
  }
  return said
}

/** What was refused about a field, as it is said beside it: without its name. */
export function sayBeside(text: string): string {
  const m = path.exec(text)
  const s = say(m ? m[2] : text)
  return s && s[0]!.toUpperCase() + s.slice(1)
}

/**
 * What was refused about a row of a list, as its editor says it: the member of
 * the row by name.
 */
export function sayWithin(text: string): string {
  const m = path.exec(text)
  if (!m) return say(text)
  const parts = m[1]!.split('.')
  const member = parts.length > 1 ? fieldLabel(m[1]!).split(', ').at(-1)! : ''
  return member ? `${member}: ${say(m[2])}` : sayBeside(text)
}

/** What became of a call: one text for each webhook that it reached. */
export const sayEach = (text: string) => text.split(/; (?=integration \d+: |no integration )/).map(say).join('; ')

/** A text that stands alone begins with a capital, unless its first word is a name: git_branch, ./run.sh, ansible-playbook. */
export const sentence = (text: string) => (/^\p{Ll}+[ ,:]/u.test(text) ? text[0]!.toUpperCase() + text.slice(1) : text)
