import { onBeforeUnmount, onMounted } from 'vue'
import { useRouter } from 'vue-router'
import { letter } from '../lib/keys'
import { typing } from './shortcuts'
import { places } from './places'

const PATIENCE = 1000

/** "g" and then a key within a second leads to a screen. It is listened to first: the log has a "g" of its own. */
export function useWays(may: () => boolean) {
  const router = useRouter()
  let since = -Infinity
  function key(e: KeyboardEvent) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.key === 'Shift') return
    const pressed = letter(e)
    const waited = performance.now() - since
    since = -Infinity
    if (!may() || typing(e) || document.querySelector('[role=dialog], [role=menu]')) return
    const place = waited < PATIENCE && places.value.find((p) => p.key === pressed)
    if (place) {
      e.preventDefault()
      e.stopImmediatePropagation()
      void router.push(place.to)
    } else if (pressed === 'g') since = performance.now()
  }
  onMounted(() => window.addEventListener('keydown', key, true))
  onBeforeUnmount(() => window.removeEventListener('keydown', key, true))
}
