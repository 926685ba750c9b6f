/** A list with the item at one place put to another. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const out = [...list]
  out.splice(to, 0, ...out.splice(from, 1))
  return out
}

/** The place among rows, told by their upper and lower edges, that something dragged to a height goes to. */
export function placeAt(edges: readonly (readonly [number, number])[], from: number, y: number): number {
  let to = 0
  edges.forEach(([top, bottom], i) => {
    if (i !== from && y > (top + bottom) / 2) to++
  })
  return to
}

/**
 * The priorities that put an item of a list, the highest first, to another
 * place: its own alone where there is room, else all that have to change.
 */
export function priorities(list: readonly { id: string; priority: number }[], from: number, to: number): Map<string, number> {
  const next = moved(list, from, to)
  const above = next[to - 1]?.priority ?? next[to + 1]!.priority + 200
  const below = next[to + 1]?.priority ?? next[to - 1]!.priority - 200
  if (above - below > 1) return new Map([[next[to]!.id, Math.round((above + below) / 2)]])
  const out = new Map<string, number>()
  next.forEach((x, i) => {
    const p = (next.length - i) * 100
    if (p !== x.priority) out.set(x.id, p)
  })
  return out
}
