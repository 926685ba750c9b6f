import { onBeforeUnmount, onMounted, type Ref } from 'vue'
import { letter } from '../lib/keys'
import { typing } from './shortcuts'

/**
 * Keys of the log: where nobody types, and no dialog or menu is open. The
 * browser's own search sees the drawn rows only, so Ctrl-F is taken; a second
 * one opens it.
 */
export function useLogKeys(find: Ref<HTMLInputElement | undefined>, does: Record<string, () => unknown>) {
  function key(e: KeyboardEvent) {
    if (e.defaultPrevented || !find.value?.offsetParent || document.querySelector('[role=dialog], [role=menu]')) return
    if (letter(e) === 'f' && (e.ctrlKey || e.metaKey)) {
      if (e.target === find.value) return
      e.preventDefault()
      find.value.focus()
      find.value.select()
      return
    }
    const on = e.target as HTMLElement
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e) || !(on === document.body || on.closest('#main'))) return
    const within = !!on.closest('.log .scroller')
    const run = does[letter(e)]
    // What scrolls is left to the element itself where it has the focus.
    if (!run || (within && /^(Arrow|Page)/.test(e.key)) || (on.closest('.outline, [role=tab]') && /^(Arrow|Page|Home|End)/.test(e.key))) return
    e.preventDefault()
    run()
  }
  onMounted(() => window.addEventListener('keydown', key))
  onBeforeUnmount(() => window.removeEventListener('keydown', key))
}
