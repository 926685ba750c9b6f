import { onUnmounted, ref } from 'vue'
import { base } from './client'

export interface UpdateFrame {
  type: 'update'
  task_id: number
  template_id: number
  project_id: number
  status: string
  start: string | null
  end: string | null
  version: string | null
}
export interface LogsFrame {
  type: 'logs'
  task_id: number
  project_id: number
  lines: { n: number; time: string; output: string }[]
}
export type Frame = UpdateFrame | LogsFrame

export interface Socket {
  close(): void
  /** Connects anew: for who learns that the connection is dead although it says nothing. */
  again(): void
}

/** How long to wait before the nth try to connect again, in milliseconds. */
export const backoff = (n: number) => Math.min(500 * 2 ** n, 10_000)

/**
 * Keeps a websocket open until it is closed by the caller. opened is called
 * each time there is a connection: what came in between is to be read from the
 * API then.
 */
export function connect(query: Record<string, string | number>, on: { frame(f: Frame): void; opened?(again: boolean): void; lost?(): void }): Socket {
  let ws: WebSocket | null = null
  let timer = 0
  let tries = 0
  let times = 0
  let closed = false
  const address = new URL('api/ws', base)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  for (const [k, v] of Object.entries(query)) address.searchParams.set(k, String(v))
  function open() {
    const mine = (ws = new WebSocket(address))
    ws.onopen = () => {
      tries = 0
      on.opened?.(times++ > 0)
    }
    ws.onmessage = (e) => {
      if (mine !== ws) return
      try {
        on.frame(JSON.parse(e.data as string) as Frame)
      } catch {
        // What is no frame is no news.
      }
    }
    ws.onclose = () => mine === ws && gone()
  }
  function gone() {
    if (closed) return
    on.lost?.()
    clearTimeout(timer)
    timer = window.setTimeout(open, backoff(tries++))
  }
  /** Lets go of a connection that may take minutes to find out that it is dead. */
  const drop = () => {
    if (closed || ws?.readyState !== WebSocket.OPEN) return
    const dead = ws
    ws = null
    dead.close()
    gone()
  }
  const hurry = () => {
    if (closed || ws?.readyState === WebSocket.OPEN || ws?.readyState === WebSocket.CONNECTING) return
    clearTimeout(timer)
    open()
  }
  window.addEventListener('online', hurry)
  window.addEventListener('offline', drop)
  open()
  return {
    again: drop,
    close() {
      closed = true
      clearTimeout(timer)
      window.removeEventListener('online', hurry)
      window.removeEventListener('offline', drop)
      ws?.close()
    },
  }
}

type Listener = (f: UpdateFrame) => void
const listeners = new Set<Listener>()
const returned = new Set<() => void>()
let socket: Socket | null = null

/** Whether states come in as they change. */
export const online = ref(true)

/** Opens the one connection that tells states; sign-in calls it. */
export function startLive() {
  socket ??= connect(
    { lines: 0 },
    {
      frame: (f) => f.type === 'update' && listeners.forEach((l) => l(f)),
      opened: (again) => {
        online.value = true
        if (again) returned.forEach((l) => l())
      },
      lost: () => (online.value = false),
    },
  )
}

export function stopLive() {
  socket?.close()
  socket = null
  online.value = true
}

/** Calls f with each state while the component lives, and again when it may have missed some. */
export function useUpdates(f: Listener, again: () => void) {
  listeners.add(f)
  returned.add(again)
  onUnmounted(() => {
    listeners.delete(f)
    returned.delete(again)
  })
}
