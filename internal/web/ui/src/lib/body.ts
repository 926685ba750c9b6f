/**
 * The body of a call, which the API gives in base64, as the text that came:
 * not in other lines, since numbers would not survive that. What is no text
 * stays in base64.
 */
export function readBody(body: string | null | undefined): string {
  if (!body) return ''
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(atob(body), (c) => c.charCodeAt(0)))
  } catch {
    return body
  }
}
