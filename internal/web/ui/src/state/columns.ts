import { computed, ref } from 'vue'
import { t } from '../i18n'
import type { Item } from '../ui/Menu.vue'

export interface Column {
  id: string
  label: string // a key of the texts
}

/** Which columns of a table its viewer wants, kept in this browser. */
export function useColumns(table: string, all: Column[], initial: string[]) {
  const name = `columns.${table}`
  const chosen = ref(new Set(initial))
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(name) ?? 'null')
    if (Array.isArray(kept)) chosen.value = new Set(all.map((c) => c.id).filter((id) => kept.includes(id)))
  } catch {
    // The usual ones are as good.
  }
  function toggle(id: string) {
    const next = new Set(chosen.value)
    if (!next.delete(id)) next.add(id)
    chosen.value = next
    try {
      localStorage.setItem(name, JSON.stringify([...next]))
    } catch {
      // It holds for this visit.
    }
  }
  const items = computed<Item[]>(() => all.map((c) => ({ label: t(c.label), check: chosen.value.has(c.id), run: () => toggle(c.id) })))
  return { shows: (id: string) => chosen.value.has(id), items }
}
