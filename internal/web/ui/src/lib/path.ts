type Bag = Record<string, unknown>

/** Reads "task_params.limit". */
export function getPath(o: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((v, k) => (v && typeof v === 'object' ? (v as Bag)[k] : undefined), o)
}

/** Writes "task_params.limit", making what is missing on the way. */
export function setPath(o: Bag, path: string, value: unknown) {
  const keys = path.split('.')
  const last = keys.pop()!
  let at = o
  for (const k of keys) {
    if (!at[k] || typeof at[k] !== 'object') at[k] = {}
    at = at[k] as Bag
  }
  at[last] = value
}

export const clone = <T>(v: T): T => JSON.parse(JSON.stringify(v ?? null)) as T

/** The object in a JSON text; {} where there is none. */
export function object(text: string | null | undefined): Record<string, unknown> {
  try {
    const v: unknown = JSON.parse(text || '{}')
    return v && typeof v === 'object' && !Array.isArray(v) ? (v as Bag) : {}
  } catch {
    return {}
  }
}
