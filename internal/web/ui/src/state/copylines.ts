import { t } from '../i18n'
import { reason } from '../api/client'
import type { Lines } from '../lib/lines'
import { strip } from '../lib/log'
import { fetchOutput } from './output'
import { copy, notify } from './page'

const PAGE = 20_000 // lines that the server gives at once
const MOST = 200_000 // lines that are copied

/** Copies lines of a log as they were printed: without numbers, times and colours. */
export function useCopy(project: number, task: number, marked: () => Lines | null) {
  /** What is selected over several rows, in place of what the browser makes of their boxes. */
  function copied(e: ClipboardEvent) {
    const range = getSelection()?.rangeCount ? getSelection()!.getRangeAt(0) : null
    const texts = range ? [...range.cloneContents().querySelectorAll('.line .text')] : []
    if (texts.length < 2 || !e.clipboardData) return
    e.clipboardData.setData('text/plain', texts.map((x) => x.textContent).join('\n'))
    e.preventDefault()
  }
  /** The lines of the address, also those that are not drawn. */
  async function copyMarked() {
    const m = marked()
    if (!m) return
    const to = Math.min(m.to, m.from + MOST - 1)
    const out: string[] = []
    try {
      for (let n = m.from; n <= to; n += PAGE) out.push(...(await fetchOutput(project, task)(n, Math.min(PAGE, to + 1 - n))).lines.map((l) => strip(l.text)))
    } catch (e) {
      return notify(reason(e), true)
    }
    await copy(out.join('\n'), t('action.copied'))
  }
  return { copied, copyMarked }
}
