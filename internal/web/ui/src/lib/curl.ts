import { base } from '../api/client'
import { quote } from './shell'

/** A request of this page as a command line. The token is the caller's to fill in. */
export function curl(method: string, path: string, body?: unknown): string {
  const parts = ['curl', '-X', method, '-H', '"Authorization: Bearer $SEMAPHORE_TOKEN"']
  if (body !== undefined) parts.push('-H', quote('Content-Type: application/json'), '--data', quote(JSON.stringify(body)))
  return [...parts, quote(new URL('api/' + path, base).href)].join(' ')
}
