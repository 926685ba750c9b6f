import { computed, ref } from 'vue'
import { t } from '../i18n'
import { keepList, keptList } from '../lib/kept'
import type { Item } from '../ui/Menu.vue'

export interface Column {
  id: string
  label: string // a key of the texts
}

/** Which columns of a table its viewer wants, kept in this browser. */
export function useColumns(table: string, all: Column[], initial: string[]) {
  const name = `columns.${table}`
  const wanted = keptList(name) ?? initial
  const chosen = ref(new Set(all.map((c) => c.id).filter((id) => wanted.includes(id))))
  function toggle(id: string) {
    const next = new Set(chosen.value)
    if (!next.delete(id)) next.add(id)
    chosen.value = next
    keepList(name, next)
  }
  const items = computed<Item[]>(() => all.map((c) => ({ label: t(c.label), check: chosen.value.has(c.id), run: () => toggle(c.id) })))
  return { shows: (id: string) => chosen.value.has(id), items }
}
