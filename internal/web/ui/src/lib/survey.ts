import type { SurveyVar } from '../api/schema'

/** What the fields of a survey hold at first. */
export function blank(vars: SurveyVar[]): Record<string, string> {
  return Object.fromEntries(vars.map((v) => [v.name, v.type === 'secret' ? '' : (v.default_value ?? '')]))
}

/** The keys of messages for what is wrong, by variable. The server's own rules are the same. */
export function check(vars: SurveyVar[], values: Record<string, string>): Record<string, string> {
  const wrong: Record<string, string> = {}
  for (const v of vars) {
    const value = values[v.name] ?? ''
    if (value === '') {
      if (v.required) wrong[v.name] = 'field.required'
    } else if (v.type === 'int' && !/^[+-]?\d+$/.test(value.trim())) wrong[v.name] = 'field.integer'
    else if (v.type === 'enum' && v.values?.length && !v.values.some((x) => x.value === value)) wrong[v.name] = 'field.choose'
  }
  return wrong
}

/** Splits the values into what is kept with the task and what is not. Empty ones are left out. */
export function split(vars: SurveyVar[], values: Record<string, string>): { environment: Record<string, unknown>; secret: Record<string, string> } {
  const environment: Record<string, unknown> = {}
  const secret: Record<string, string> = {}
  for (const v of vars) {
    const value = values[v.name] ?? ''
    if (value === '') continue
    if (v.type === 'secret') secret[v.name] = value
    else environment[v.name] = v.type === 'int' ? Number(value) : value
  }
  return { environment, secret }
}
