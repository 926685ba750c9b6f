import { onMounted, onUnmounted, ref, shallowRef } from 'vue'
import { ApiError, reason } from '../api/client'

/**
 * Reads something when the component appears. What was read stays while it is
 * read again, so that nothing jumps.
 */
export function useLoad<T>(read: (signal: AbortSignal) => Promise<T>) {
  const data = shallowRef<T>()
  const error = ref('')
  const missing = ref(false)
  let abort = new AbortController()
  let timer = 0
  async function load() {
    abort.abort()
    abort = new AbortController()
    const { signal } = abort
    try {
      const v = await read(signal)
      if (signal.aborted) return
      data.value = v
      error.value = ''
    } catch (e) {
      if (signal.aborted) return
      error.value = reason(e)
      missing.value = e instanceof ApiError && (e.status === 404 || e.status === 400)
    }
  }
  /** Loads soon: many calls at once are one. */
  function soon(ms = 300) {
    if (timer) return
    timer = window.setTimeout(() => {
      timer = 0
      void load()
    }, ms)
  }
  onMounted(load)
  onUnmounted(() => {
    abort.abort()
    clearTimeout(timer)
  })
  return { data, error, missing, load, soon }
}
