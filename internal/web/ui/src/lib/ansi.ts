import { AnsiUp } from 'ansi_up'

/** A piece of a line in one colour. It is always shown as text. */
export interface Span {
  text: string
  class: string
  style?: { color?: string; background?: string }
}

interface Colour {
  rgb: number[]
  class_name: string
}
interface Fragment {
  text: string
  bold: boolean
  faint: boolean
  italic: boolean
  underline: boolean
  fg: Colour | null
  bg: Colour | null
}

/** ansi_up knows the escapes; what it makes of them here is spans, never HTML. */
class Spans extends AnsiUp {
  out: Span[] = []

  constructor() {
    super()
    const self = this as unknown as { transform_to_html(f: Fragment): string; process_hyperlink(p: { text: string }): string }
    self.transform_to_html = (f) => (this.take(f), '')
    self.process_hyperlink = (p) => (this.out.push({ text: p.text, class: '' }), '')
  }

  private take(f: Fragment) {
    if (!f.text) return
    const names: string[] = []
    const style: { color?: string; background?: string } = {}
    if (f.bold) names.push('a-bold')
    if (f.faint) names.push('a-faint')
    if (f.italic) names.push('a-italic')
    if (f.underline) names.push('a-underline')
    if (f.fg) {
      if (f.fg.class_name === 'truecolor') style.color = `rgb(${f.fg.rgb.join(',')})`
      else names.push(f.fg.class_name + '-fg')
    }
    if (f.bg) {
      if (f.bg.class_name === 'truecolor') style.background = `rgb(${f.bg.rgb.join(',')})`
      else names.push(f.bg.class_name + '-bg')
    }
    this.out.push({ text: f.text, class: names.join(' '), ...(style.color || style.background ? { style } : {}) })
  }
}

const LONGEST = 20_000 // characters of a line that are shown

/** Cuts a line into pieces of one colour. */
export function spans(text: string): Span[] {
  if (text.length > LONGEST) text = text.slice(0, LONGEST) + ' …'
  if (!text.includes('\u001b')) return text ? [{ text, class: '' }] : []
  const up = new Spans()
  up.ansi_to_html(text + '\u001b[0m')
  return up.out
}

/** Marks where a text is found. */
export function mark(list: Span[], find: string): (Span & { hit?: boolean })[] {
  const wanted = find.toLowerCase()
  if (!wanted) return list
  const out: (Span & { hit?: boolean })[] = []
  for (const s of list) {
    const lower = s.text.toLowerCase()
    let at = 0
    for (let i = lower.indexOf(wanted); i >= 0; i = lower.indexOf(wanted, at)) {
      if (i > at) out.push({ ...s, text: s.text.slice(at, i) })
      out.push({ ...s, text: s.text.slice(i, i + wanted.length), hit: true })
      at = i + wanted.length
    }
    if (at < s.text.length) out.push({ ...s, text: s.text.slice(at) })
  }
  return out
}
