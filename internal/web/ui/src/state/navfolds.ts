import { computed, ref, watch, type Ref } from 'vue'
import { keepList, keptList } from '../lib/kept'

const NAME = 'nav.folded'

/**
 * Which groups of the side bar are folded, kept in this browser. The group of
 * the current page opens for the visit; it can be folded again.
 */
export function useNavFolds(here: Ref<string>) {
  const folded = ref(new Set(keptList(NAME)))
  const opened = ref('')
  watch(here, (id) => (opened.value = id), { immediate: true })
  const shut = computed(() => new Set([...folded.value].filter((id) => id !== opened.value)))
  function toggle(id: string) {
    const next = new Set(folded.value)
    if (shut.value.has(id)) next.delete(id)
    else next.add(id)
    if (opened.value === id) opened.value = ''
    folded.value = next
    keepList(NAME, next)
  }
  return { shut, toggle }
}
