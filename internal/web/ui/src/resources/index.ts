import { adminResources } from './admin'
import { projectResources } from './project'
import { templates } from './templates'
import type { Resource } from './types'

const all = new Map<string, Resource>([...projectResources, templates, ...adminResources].map((r) => [r.name, r]))

/** The resource that a route names. */
export function resourceOf(name: unknown): Resource {
  const r = all.get(String(name))
  if (!r) throw new Error(`no resource ${String(name)}`)
  return r
}
