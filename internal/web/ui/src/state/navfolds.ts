import { computed, ref, watch, type Ref } from 'vue'

const NAME = 'nav.folded'

/**
 * Which groups of the side bar are folded, kept in this browser. The group of
 * the current page opens for the visit; it can be folded again.
 */
export function useFolds(here: Ref<string>) {
  const folded = ref(new Set<string>())
  const opened = ref('')
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(NAME) ?? '[]')
    if (Array.isArray(kept)) folded.value = new Set(kept.filter((x) => typeof x === 'string'))
  } catch {
    // All are open.
  }
  watch(here, (id) => (opened.value = id), { immediate: true })
  const shut = computed(() => new Set([...folded.value].filter((id) => id !== opened.value)))
  function toggle(id: string) {
    const next = new Set(folded.value)
    if (shut.value.has(id)) next.delete(id)
    else next.add(id)
    if (opened.value === id) opened.value = ''
    folded.value = next
    try {
      localStorage.setItem(NAME, JSON.stringify([...next]))
    } catch {
      // It holds for this visit.
    }
  }
  return { shut, toggle }
}
