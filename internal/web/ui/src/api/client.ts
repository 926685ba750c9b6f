import { say, sentence } from '../i18n/server'
import { messages } from './server'

/** The address everything is below: that of the page's base element. */
export const base = new URL('.', document.baseURI)

/** An answer other than 2xx, or none at all (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly body: { inUse?: boolean; refs?: Record<string, { id: number; name: string }[]> } = {},
    readonly requestID = '',
  ) {
    super(message)
  }

  /** The member of the body that was refused: the first word of the text. */
  get field(): string {
    if (this.message.startsWith('Cron: ')) return 'cron_format'
    return this.status === 400 ? (/^[a-z_]+(?:[.[][\w\]]+)*/.exec(this.message)?.[0] ?? '') : ''
  }
}

/** Called with the code of each 401 outside of sign-in. */
let onUnauthorized: (code: string) => void = () => {}
export function whenUnauthorized(f: (code: string) => void) {
  onUnauthorized = f
}

export interface Options {
  signal?: AbortSignal
  /** A 401 is the caller's business. */
  quiet?: boolean
  /** Sent as it is. */
  raw?: string | Blob
}

async function send(method: string, path: string, body: unknown, o: Options): Promise<Response> {
  let res: Response
  try {
    res = await fetch(new URL('api/' + path, base), {
      method,
      credentials: 'same-origin',
      signal: o.signal,
      headers: body === undefined && o.raw === undefined ? { Accept: 'application/json' } : { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: o.raw ?? (body === undefined ? undefined : JSON.stringify(body)),
    })
  } catch (e) {
    if (o.signal?.aborted) throw e
    throw new ApiError(0, messages.unreachable())
  }
  if (res.ok) return res
  const text = await res.text()
  let parsed: { error?: string; inUse?: boolean } = {}
  try {
    parsed = JSON.parse(text)
  } catch {
    // A proxy in between speaks no JSON.
  }
  const message = parsed.error || messages.status(res.status)
  if (res.status === 401 && !o.quiet) onUnauthorized(message)
  throw new ApiError(res.status, message, parsed, res.headers.get('X-Request-Id') ?? '')
}

/** Sends a request and reads the JSON of its reply; undefined where it has none. */
export async function call<T = unknown>(method: string, path: string, body?: unknown, o: Options = {}): Promise<T> {
  const res = await send(method, path, body, o)
  const text = await res.text()
  return (text && /json/.test(res.headers.get('Content-Type') ?? '') ? JSON.parse(text) : undefined) as T
}

/** A reply with its headers. */
export async function page<T>(path: string, o: Options = {}): Promise<{ data: T; headers: Headers }> {
  const res = await send('GET', path, undefined, o)
  return { data: (await res.json()) as T, headers: res.headers }
}

export const get = <T>(path: string, o?: Options) => call<T>('GET', path, undefined, o)
export const post = <T = unknown>(path: string, body: unknown = {}, o?: Options) => call<T>('POST', path, body, o)
export const put = (path: string, body: unknown, o?: Options) => call('PUT', path, body, o)
export const del = (path: string, o?: Options) => call('DELETE', path, undefined, o)

/** Lists may be null where the reference's are. */
export const list = async <T>(path: string, o?: Options): Promise<T[]> => (await get<T[] | null>(path, o)) ?? []

/** The text of anything that was thrown, in the language of the page. */
export const reason = (e: unknown) => sentence(say(e instanceof Error ? e.message : String(e)))
