/**
 * What this browser keeps of how its viewer wants the page. A browser that lets
 * nothing be kept throws at each access: then all holds for the visit alone.
 */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}

/** Keeps a text, or forgets it. */
export function keep(name: string, text: string | null) {
  try {
    if (text === null) localStorage.removeItem(name)
    else localStorage.setItem(name, text)
  } catch {
    // It holds for this visit.
  }
}

/** A list of words that is kept; null where none is. */
export function keptList(name: string): string[] | null {
  try {
    const list: unknown = JSON.parse(kept(name) ?? 'null')
    return Array.isArray(list) ? list.filter((x): x is string => typeof x === 'string') : null
  } catch {
    return null
  }
}

export const keepList = (name: string, list: Iterable<string>) => keep(name, JSON.stringify([...list]))
