import { reactive, watch, type ComputedRef } from 'vue'
import { list } from '../api/client'

/** Names of rows of a project by their kind and id; each kind is read when it is first wanted. */
export function useNames(project: number, wanted: ComputedRef<string[]>) {
  const found = reactive<Record<string, Map<number, string>>>({})
  watch(
    wanted,
    async (kinds) => {
      for (const kind of kinds.filter((k) => !found[k])) {
        found[kind] = new Map()
        const rows = await list<{ id: number; name: string }>(`project/${project}/${kind}`).catch(() => [])
        found[kind] = new Map(rows.map((r) => [r.id, r.name]))
      }
    },
    { immediate: true },
  )
  return (kind: string, id: number) => found[kind]?.get(id) ?? `#${id}`
}
