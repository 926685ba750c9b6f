// Writes src/api/schema.ts from the OpenAPI document that a server gives:
//   curl -s http://127.0.0.1:3000/api/openapi.json | node scripts/types.mjs > src/api/schema.ts
import { readFileSync } from 'node:fs'

const doc = JSON.parse(readFileSync(0, 'utf8'))

function type(s) {
  let text = bare(s)
  if (s.nullable) text += ' | null'
  return text
}

function bare(s) {
  if (s.$ref) return s.$ref.split('/').pop()
  if (s.allOf) return s.allOf.map(type).join(' & ')
  if (s.oneOf || s.anyOf) return (s.oneOf ?? s.anyOf).map(type).join(' | ')
  if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(' | ')
  switch (s.type) {
    case 'array': {
      const item = type(s.items)
      return /[|&]/.test(item) ? `(${item})[]` : `${item}[]`
    }
    case 'string':
      return 'string'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'object':
      if (s.properties) return `{ ${members(s).join('; ')} }`
      if (s.additionalProperties && s.additionalProperties !== true) return `Record<string, ${type(s.additionalProperties)}>`
      return 'Record<string, unknown>'
    default:
      return 'unknown'
  }
}

function members(s) {
  const required = new Set(s.required ?? [])
  return Object.entries(s.properties).map(([name, p]) => `${name}${required.has(name) ? '' : '?'}: ${type(p)}`)
}

const out = ['// Made by scripts/types.mjs from /api/openapi.json. Change the server instead.']
for (const [name, s] of Object.entries(doc.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))) {
  if (s.type === 'object' && s.properties) out.push('', `export interface ${name} {`, ...members(s).map((m) => `  ${m}`), '}')
  else out.push('', `export type ${name} = ${type(s)}`)
}
console.log(out.join('\n'))
