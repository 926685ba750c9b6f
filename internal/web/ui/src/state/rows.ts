import { onBeforeUnmount, onMounted, type Ref } from 'vue'
import { letter } from '../lib/keys'
import { typing } from './shortcuts'

const inUse = '[role=dialog], [role=menu], [role=listbox]'

/**
 * Keys of a table. Its row is the one whose link has the focus, so that Enter
 * opens it and a screen reader reads it: j and k (and the arrows, once within)
 * move the focus, r runs the row, n makes a new one by the main button of the
 * screen.
 */
export function useRows(table: Ref<HTMLElement | undefined | null>, run?: (row: number) => unknown, link = 'td:not(.act) a[href]') {
  function move(by: number) {
    const links = [...table.value!.querySelectorAll('tbody tr')].flatMap((row) => row.querySelector<HTMLElement>(link) ?? [])
    const now = links.findIndex((x) => x.closest('tr')!.contains(document.activeElement))
    const next = now < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, now + by))
    links[next]?.focus()
    links[next]?.closest('tr')!.scrollIntoView({ block: 'nearest' })
  }
  function current(): number {
    const row = document.activeElement?.closest('tbody tr')
    return row && table.value!.contains(row) ? [...row.parentElement!.children].indexOf(row) : -1
  }
  function key(e: KeyboardEvent) {
    const on = e.target as HTMLElement
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || typing(e) || !table.value?.isConnected) return
    if (!(on === document.body || on.closest('#main')) || document.querySelector(inUse)) return
    const within = !!on.closest('tbody') && table.value.contains(on)
    const pressed = letter(e)
    const by = pressed === 'j' || (within && pressed === 'ArrowDown') ? 1 : pressed === 'k' || (within && pressed === 'ArrowUp') ? -1 : 0
    if (by) move(by)
    else if (pressed === 'r' && run && current() >= 0) run(current())
    else if (pressed === 'n') {
      const fresh = document.querySelector<HTMLElement>('#main .head .primary:not(:disabled)')
      if (!fresh) return
      fresh.focus()
      fresh.click()
    } else return
    e.preventDefault()
  }
  onMounted(() => window.addEventListener('keydown', key))
  onBeforeUnmount(() => window.removeEventListener('keydown', key))
}
