import { computed, shallowRef } from 'vue'
import type { Stage } from '../api/schema'
import { Fold, join, type Range } from '../lib/fold'
import { partsOf, telling, type Part } from '../lib/parts'

/** The parts of a log, and which of them are folded. */
export function useFolds(stages: () => readonly Stage[], total: () => number) {
  const closed = shallowRef<ReadonlySet<number>>(new Set())
  const parts = computed(() => partsOf(stages()))
  /** Parts that can be folded, by the line of their head. */
  const heads = computed(() => {
    const m = new Map<number, Part>()
    if (telling(parts.value)) for (const p of parts.value) if (!Number.isNaN(p.ms) && p.to > p.from) m.set(p.from, p)
    return m
  })
  const fold = computed(() => {
    const ranges: Range[] = []
    for (const n of closed.value) {
      const p = heads.value.get(n)
      if (p) ranges.push([p.from + 1, p.to + 1])
    }
    return new Fold(join(ranges), total())
  })
  /** What one button folds: the tasks of plays, else the phases. */
  const many = computed(() => {
    const all = [...heads.value.values()]
    const tasks = all.filter((p) => p.kind === 'task')
    return (tasks.length ? tasks : all).map((p) => p.from)
  })

  function toggle(n: number) {
    const next = new Set(closed.value)
    if (!next.delete(n)) next.add(n)
    closed.value = next
  }
  function toggleAll() {
    closed.value = closed.value.size ? new Set() : new Set(many.value)
  }
  /** Unfolds what hides a line. */
  function open(line: number) {
    const hiding = [...closed.value].filter((n) => line > n && line <= (heads.value.get(n)?.to ?? n))
    if (hiding.length) closed.value = new Set([...closed.value].filter((n) => !hiding.includes(n)))
  }
  return { parts, heads, fold, closed, many, toggle, toggleAll, open }
}
