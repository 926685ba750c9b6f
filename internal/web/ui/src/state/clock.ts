import { ref } from 'vue'

/** The time, once a second: what "ago" and running durations are drawn by. */
export const now = ref(Date.now())
setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, 1000)
