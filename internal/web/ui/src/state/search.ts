import { onUnmounted, ref, shallowRef, watch } from 'vue'
import { t } from '../i18n'
import { search as scan, strip, type Log } from '../lib/log'
import { fetchOutput } from './output'

const MOST = 10_000 // hits that are kept

/** Looks for a text in all of a task's output while it is typed, and in what comes later. */
export function useSearch(project: number, task: number, log: Log, tick: () => number) {
  const text = ref('')
  const found = shallowRef<number[]>([])
  const state = ref('')
  const current = ref(-1)
  let round = 0
  let scanned = 0
  let running: Promise<void> = Promise.resolve()
  let timer = 0
  const start = () => {
    clearTimeout(timer)
    timer = 0
    running = run(round).catch((e: unknown) => void (state.value = String(e)))
  }

  async function run(mine: number) {
    scanned = 0
    for await (const step of scan(fetchOutput(project, task), text.value)) {
      if (mine !== round) return
      found.value = [...found.value, ...step.found].slice(0, MOST)
      scanned = step.done
      say(step.done < step.total ? Math.round((100 * step.done) / step.total) : 100)
      if (found.value.length >= MOST) break
    }
  }
  function say(percent = 100) {
    const n = found.value.length
    const many = n >= MOST ? `${n}+` : String(n)
    const place = found.value.indexOf(current.value)
    state.value = !text.value ? '' : percent < 100 ? `${many} · ${percent} %` : n === 0 ? t('log.none') : place >= 0 ? `${place + 1} / ${many}` : many
  }
  watch(text, () => {
    round++
    found.value = []
    current.value = -1
    clearTimeout(timer)
    timer = 0
    say()
    if (text.value) timer = window.setTimeout(start, 250)
  })
  watch(tick, () => {
    if (!text.value || !scanned || log.total <= scanned || log.total - scanned > 50_000) return
    const wanted = text.value.toLowerCase()
    const more: number[] = []
    for (let n = scanned; n < log.total; n++) {
      const l = log.line(n)
      if (l && strip(l.text).toLowerCase().includes(wanted)) more.push(n)
    }
    scanned = log.total
    if (more.length && found.value.length < MOST) {
      found.value = [...found.value, ...more]
      say()
    }
  })
  onUnmounted(() => round++)

  /** The next hit, or the one before; the first one from what is seen now. */
  async function go(by: number, from: number): Promise<number | null> {
    if (timer) start() // Enter right behind the last letter
    const mine = round
    if (!found.value.length) await running
    if (mine !== round) return null
    const list = found.value
    if (!list.length) return null
    let i = list.indexOf(current.value)
    if (i < 0) {
      i = list.findIndex((n) => n >= from)
      if (i < 0) i = 0
    } else i = (i + by + list.length) % list.length
    current.value = list[i]!
    say()
    return current.value
  }
  return { text, found, state, current, go }
}
