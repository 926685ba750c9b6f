type Bag = Record<string, unknown>

/** A value in one spelling: members in order, and without those that are empty as if they were not there. */
function plain(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(plain)
  if (!v || typeof v !== 'object') return v
  const bag = v as Bag
  return Object.fromEntries(Object.keys(bag).sort().filter((k) => bag[k] !== null && bag[k] !== undefined).map((k) => [k, plain(bag[k])]))
}

/**
 * The members that differ between two replies about one row, besides those that
 * change without anybody's doing. A member that is null is as one that is left out.
 */
export function changed(before: object, now: object, moves: string[] = []): string[] {
  const [a, b] = [plain(before) as Bag, plain(now) as Bag]
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((k) => !moves.includes(k) && JSON.stringify(a[k]) !== JSON.stringify(b[k])).sort()
}
