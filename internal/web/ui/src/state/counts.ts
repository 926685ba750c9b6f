import { onUnmounted, reactive, watch } from 'vue'
import { get } from '../api/client'
import { useUpdates } from '../api/live'
import { unfinished } from '../lib/status'
import { may, session } from './session'

/** How many tasks of the current project are under way or ask for something, and how many of all projects have not ended. */
export const counts = reactive({ running: 0, asking: 0, all: 0 })

/** Counts anew when states change, at most once in half a second. */
export function useCounts() {
  let round = 0
  let timer = 0
  async function count() {
    const mine = ++round
    const id = session.project?.id
    const [own, all] = await Promise.all([
      id ? get<Record<string, number>>(`project/${id}/tasks/counts?status=${unfinished.join()}`).catch(() => null) : ({} as Record<string, number>),
      may.value.admin ? get<Record<string, number>>('tasks/counts').catch(() => null) : ({} as Record<string, number>),
    ])
    if (mine !== round || !own || !all) return
    const sum = (...states: string[]) => states.reduce((n, x) => n + (own[x] ?? 0), 0)
    counts.asking = sum('waiting_confirmation')
    counts.running = sum('starting', 'running', 'confirmed', 'rejected', 'stopping')
    counts.all = Object.values(all).reduce((n, x) => n + x, 0)
  }
  function soon() {
    timer ||= window.setTimeout(() => {
      timer = 0
      void count()
    }, 500)
  }
  watch(
    () => session.project?.id,
    () => {
      Object.assign(counts, { running: 0, asking: 0 })
      void count()
    },
    { immediate: true },
  )
  useUpdates(soon, soon)
  onUnmounted(() => {
    round++
    clearTimeout(timer)
  })
}
