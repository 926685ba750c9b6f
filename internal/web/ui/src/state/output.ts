import { onUnmounted, ref, shallowRef, type Ref } from 'vue'
import { ApiError, get, list, page } from '../api/client'
import { connect, type Socket } from '../api/live'
import type { AnsibleError, AnsibleHost, OutputLine, ShownTask, Stage } from '../api/schema'
import { Log, type Fetch } from '../lib/log'
import { finished } from '../lib/status'

/** Ranges of a task's output by the numbers of lines. */
export const fetchOutput =
  (project: number, task: number): Fetch =>
  async (from, limit) => {
    const got = await page<OutputLine[]>(`project/${project}/tasks/${task}/output?from=${from}&limit=${limit}`)
    return {
      lines: got.data.map((l) => ({ n: l.id, time: l.time, text: l.output })),
      total: Number(got.headers.get('X-Total-Count') ?? 0),
    }
  }

const QUIET = 5000 // milliseconds without a frame, behind which is asked whether there is something

/**
 * A task and its output, live until it has ended. After each connection the
 * task and the number of its lines are read: lines that came in between are
 * loaded where they are looked at.
 */
export function useOutput(project: number, id: number, task: Ref<ShownTask | undefined>, tell: (e: unknown) => void) {
  const tick = ref(0)
  const lost = ref(false)
  /** The task has ended, and all of it has been read: its reason and its last lines come behind its state. */
  const whole = ref(false)
  const stages = shallowRef<Stage[]>([])
  const errors = shallowRef<AnsibleError[]>([])
  const hosts = shallowRef<AnsibleHost[]>([])
  let frame = 0
  /** What went wrong, or null for nothing any more. That there is no connection is told by lost. */
  const failed = (e: unknown) => {
    if (!(lost.value && e instanceof ApiError && e.status === 0)) tell(e)
  }
  const fetch = fetchOutput(project, id)
  const log = new Log(
    fetch,
    () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        tick.value++
      })
    },
    failed,
  )
  let socket: Socket | null = null
  let timer = 0
  let watchdog = 0
  let heard = 0 // when the last frame came
  let suspected = false
  let cost = 0 // milliseconds that reading took

  async function read() {
    const begun = performance.now()
    const known = log.total
    const [t, first] = await Promise.all([get<ShownTask>(`project/${project}/tasks/${id}`), fetch(log.total, 1)])
    task.value = t
    // Lines that no frame has told of, twice: the connection is dead and does not know it.
    const missed = first.total > known && Date.now() - heard > QUIET
    if (missed && suspected) socket?.again()
    suspected = missed
    log.grow(first.total)
    tick.value++ // what could not be loaded is asked for again
    failed(null)
    await parts()
    cost = performance.now() - begun
    if (finished(t.status)) {
      whole.value = true
      close()
    }
  }
  async function parts() {
    const at = `project/${project}/tasks/${id}`
    const [s, e, h] = await Promise.all([list<Stage>(`${at}/stages`), list<AnsibleError>(`${at}/ansible/errors`), list<AnsibleHost>(`${at}/ansible/hosts`)])
    stages.value = s
    errors.value = e
    hosts.value = h
  }
  /** Reads again, soon; calls in between are one. Thousands of parts are read less often. */
  function soon(ms = Math.max(1500, 10 * cost)) {
    timer ||= window.setTimeout(() => {
      timer = 0
      read().catch(failed)
    }, ms)
  }
  function close() {
    clearInterval(watchdog)
    socket?.close()
    socket = null
    lost.value = false
  }
  function open() {
    if (socket) return
    watchdog = window.setInterval(() => {
      if (!lost.value && Date.now() - heard > QUIET) read().catch(() => socket?.again())
    }, QUIET)
    socket = connect(
      { task: id, batch: 1 },
      {
        frame(f) {
          if (f.task_id !== id) return
          heard = Date.now()
          suspected = false
          if (f.type === 'logs') {
            log.add(f.lines.map((l) => ({ n: l.n, time: l.time, text: l.output })))
            soon()
          } else if (task.value) {
            task.value = { ...task.value, status: f.status as ShownTask['status'], start: f.start, end: f.end }
            clearTimeout(timer)
            timer = 0
            soon(50)
          }
        },
        opened() {
          lost.value = suspected = false
          heard = Date.now()
          read().catch(failed)
        },
        lost: () => (lost.value = true),
      },
    )
  }
  async function start() {
    try {
      await read()
      if (task.value && !finished(task.value.status)) open()
    } catch (e) {
      failed(e)
    }
  }
  onUnmounted(() => {
    close()
    clearTimeout(timer)
    cancelAnimationFrame(frame)
  })
  return { log, tick, lost, whole, stages, errors, hosts, start, open }
}
