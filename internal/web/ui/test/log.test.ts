import { describe, expect, it } from 'vitest'
import { Log, PAGE, search, strip, type Line } from '../src/lib/log'

const line = (n: number): Line => ({ n, time: '2026-01-01T00:00:00Z', text: `line ${n}` })
const settled = () => new Promise((r) => setTimeout(r))

/** A server with some lines, which counts what it is asked. */
function server(total: number) {
  const asked: [number, number][] = []
  const fetch = async (from: number, limit: number) => {
    asked.push([from, limit])
    return { lines: Array.from({ length: Math.max(0, Math.min(limit, s.total - from)) }, (_, i) => line(from + i)), total: s.total }
  }
  const s = { total, asked, fetch }
  return s
}

describe('the lines of a task', () => {
  it('are loaded where they are looked at, once', async () => {
    const s = server(1_000_000)
    const log = new Log(s.fetch, () => {})
    log.grow(s.total)
    log.ensure(500_100, 500_150)
    log.ensure(500_100, 500_150)
    await settled()
    expect(log.line(500_120)?.text).toBe('line 500120')
    expect(log.line(0)).toBeUndefined()
    expect(s.asked).toEqual([[500_000, PAGE]])
  })

  it('come back after a lost connection without gap and without double', async () => {
    const s = server(0)
    const log = new Log(s.fetch, () => {})
    log.add([line(0), line(1), line(2)])
    s.total = 10 // 3 to 6 come while nobody listens
    log.add([line(7), line(8), line(9), line(8)])
    expect(log.total).toBe(10)
    log.ensure(0, 10)
    await settled()
    expect(Array.from({ length: 10 }, (_, n) => log.line(n)?.text)).toEqual(Array.from({ length: 10 }, (_, n) => `line ${n}`))
    log.ensure(0, 10)
    await settled()
    expect(s.asked).toHaveLength(1)
  })

  it('are asked for again when a page that was short has grown', async () => {
    const s = server(5)
    const log = new Log(s.fetch, () => {})
    log.grow(5)
    log.ensure(0, 5)
    await settled()
    s.total = 8
    log.grow(8)
    log.ensure(0, 8)
    await settled()
    expect(log.line(7)?.text).toBe('line 7')
    expect(s.asked).toHaveLength(2)
  })

  it('take no endless memory', async () => {
    const s = server(1_000_000)
    const log = new Log(s.fetch, () => {})
    log.grow(s.total)
    for (let p = 0; p < 300; p++) {
      log.ensure(p * PAGE, p * PAGE + 1)
      await settled()
    }
    expect(log.line(0)).toBeUndefined()
    expect(log.line(299 * PAGE)?.n).toBe(299 * PAGE)
  })

  it('take no endless memory when they come live', () => {
    const log = new Log(server(0).fetch, () => {})
    for (let p = 0; p < 300; p++) log.add(Array.from({ length: PAGE }, (_, i) => line(p * PAGE + i)))
    expect(log.total).toBe(300 * PAGE)
    expect(log.line(0)).toBeUndefined()
    expect(log.line(299 * PAGE)?.n).toBe(299 * PAGE)
  })

  it('tell of a failure and can be asked again', async () => {
    let broken = true
    const errors: unknown[] = []
    const log = new Log(async () => (broken ? Promise.reject(new Error('down')) : { lines: [line(0)], total: 1 }), () => {}, (e) => errors.push(e))
    log.grow(1)
    log.ensure(0, 1)
    await settled()
    expect(errors).toHaveLength(1)
    broken = false
    log.ensure(0, 1)
    await settled()
    expect(log.line(0)?.text).toBe('line 0')
  })
})

describe('search', () => {
  it('reads all lines page by page and finds text without its colours', async () => {
    const fetch = async (from: number, limit: number) => ({
      lines: Array.from({ length: Math.min(limit, 50 - from) }, (_, i) => ({ ...line(from + i), text: from + i === 33 ? 'fa\u001b[31mta\u001b[0ml: FATAL' : 'ok' })),
      total: 50,
    })
    const found: number[] = []
    let last = 0
    for await (const step of search(fetch, 'FataL:', 20)) {
      found.push(...step.found)
      last = step.done
    }
    expect(found).toEqual([33])
    expect(last).toBe(50)
  })

  it('knows the escapes of terminals', () => {
    expect(strip('\u001b[1;31mred\u001b[0m \u001b]8;;http://x\u0007link\u001b]8;;\u0007 \u001b[2K')).toBe('red link ')
  })
})
