import { strip } from './log'

/** What tools write where they fail. Each is at the beginning of a line or behind a name and a colon. */
const failures = [
  /^(?:[\w./~@ -]{1,80}(?:\(\d+\)|\[\d+\])?(?::\d+)*: )*(?:line \d+: )?(?:fatal|fatal error|error|panic|unhandled exception|critical|segmentation fault)\b(?:\[[\w-]+\])?[:!(]/i,
  /^(?:[\d:T.,Z/+ -]{8,40}\s*)?[[<(|]?\s*(?:ERROR|FATAL|CRITICAL|PANIC|SEVERE)\b/, // loggers write the level in capitals
  /^[\w.]*(?:Error|Exception)(?:: |$)/, // Python's, behind its traceback; JavaScript's and Java's
  /^Exception in thread /,
  /^Caused by: /,
  /^npm (?:ERR!|error)/,
  /^(?:g?make|ninja)(?:\[\d+\])?: \*\*\* /,
  /: (?:command not found|No such file or directory|Permission denied|Operation not permitted|Connection refused|not found)$/,
  /^(?:Segmentation fault|Killed|Aborted|Bus error)\b/,
  /^not ok \d+/, // TAP
  /^(?:--- FAIL: |FAIL\b|FAILED\b)/,
]
const calm = /\b(?:0|no) errors?\b|\berrors?[=:] ?(?:0|none|null|false)\b|^(?:ignored?|expected)\b/i

/** Whether a line says that something failed. */
export function isFailure(text: string): boolean {
  const line = strip(text.length > 2000 ? text.slice(0, 2000) : text).trimStart()
  return line !== '' && !calm.test(line) && failures.some((f) => f.test(line))
}

/**
 * The lines of a script's output that tell why it failed: of lines that stand
 * together the first. Where none says so it is the last line that says anything:
 * how the run has ended, right behind the last words of the script. A reason that
 * stands in no log, such as a plan that was rejected, makes no line a failure.
 */
export function failureLines(lines: readonly { n: number; text: string }[], reason = ''): number[] {
  const out: number[] = []
  let before = -2
  for (const l of lines) {
    if (!isFailure(l.text)) continue
    if (l.n !== before + 1) out.push(l.n)
    before = l.n
  }
  if (out.length) return out
  const last = [...lines].reverse().find((l) => strip(l.text).trim())
  return last && strip(last.text).includes(reason) ? [last.n] : []
}
