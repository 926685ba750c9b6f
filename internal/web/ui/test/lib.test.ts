import { describe, expect, it } from 'vitest'
import { mark, spans } from '../src/lib/ansi'
import { build, parse, words } from '../src/lib/cron'
import { Fold, join } from '../src/lib/fold'
import { checkInventory } from '../src/lib/inventory'
import { letter } from '../src/lib/keys'
import { getPath, object, setPath } from '../src/lib/path'
import { finished, known, look, stoppable, took } from '../src/lib/status'
import { blank, check, split } from '../src/lib/survey'
import { duration, relative } from '../src/lib/time'
import { height, position, ROW, rowPixels } from '../src/lib/window'

describe('folded lines', () => {
  it('are skipped in both directions', () => {
    const f = new Fold(join([[11, 15], [3, 6], [5, 8]]), 20)
    expect(f.ranges).toEqual([[3, 8], [11, 15]])
    expect(f.rows).toBe(11)
    const lines = Array.from({ length: f.rows }, (_, r) => f.line(r))
    expect(lines).toEqual([0, 1, 2, 8, 9, 10, 15, 16, 17, 18, 19])
    lines.forEach((n, r) => expect(f.row(n)).toBe(r))
    expect(f.row(5)).toBe(2) // hidden: the row of its head
  })
})

describe('the window over a million rows', () => {
  it('ends with the last row, and is no taller than browsers draw', () => {
    for (const rows of [1, 30, 5_000, 1_000_000, 20_000_000]) {
      const view = 600
      const tall = height(rows, view, false)
      expect(tall).toBeLessThan(16_000_000)
      const { first } = position(tall - view, rows)
      expect(Math.abs(first + Math.min(rows, view / ROW) - rows)).toBeLessThanOrEqual(1)
    }
  })
  it('moves by less than a row for each pixel', () => {
    expect(position(rowPixels(100) * 3.5, 100)).toEqual({ first: 3, part: 0.5 })
  })
})

describe('colours', () => {
  it('become classes, and everything stays text', () => {
    expect(spans('\u001b[0;32mok: <b>\u001b[0m end')).toEqual([{ text: 'ok: <b>', class: 'ansi-green-fg' }, { text: ' end', class: '' }])
    expect(spans('\u001b[38;2;1;2;3mx')).toEqual([{ text: 'x', class: '', style: { color: 'rgb(1,2,3)' } }])
    expect(spans('<img src=x onerror=alert(1)>')).toEqual([{ text: '<img src=x onerror=alert(1)>', class: '' }])
    expect(spans('\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007').every((s) => typeof s.text === 'string')).toBe(true)
  })
  it('keep their place around what is found', () => {
    expect(mark([{ text: 'one two one', class: 'c' }], 'ONE').map((s) => [s.text, !!s.hit])).toEqual([['one', true], [' two ', false], ['one', true]])
  })
})

describe('statuses', () => {
  it('differ in shape wherever they differ in meaning', () => {
    const of = (s: string) => look(s).shape
    expect(new Set(['waiting', 'running', 'waiting_confirmation', 'rejected', 'stopped', 'success', 'error'].map(of)).size).toBe(7)
    expect(look('canceled')).toEqual({ shape: 'dot', tone: 'plain' })
  })
  it('know which are over', () => {
    expect(known.filter(finished)).toEqual(['stopped', 'success', 'error'])
    expect(stoppable('running')).toBe(true)
    expect(stoppable('stopping')).toBe(false)
  })
  it('measure what still runs by the clock', () => {
    expect(took({ start: '2026-01-01T00:00:00Z', end: null, status: 'running' }, Date.parse('2026-01-01T00:01:00Z'))).toBe(60_000)
    expect(took({ start: null, end: null, status: 'waiting' }, 0)).toBeNull()
    expect(took({ start: '2026-01-01T00:00:00Z', end: null, status: 'error' }, 0)).toBeNull()
  })
})

describe('surveys', () => {
  const vars = [
    { name: 'n', title: '', type: 'int', required: true },
    { name: 'e', title: '', type: 'enum', values: [{ name: 'A', value: 'a' }] },
    { name: 's', title: '', type: 'secret', required: true, default_value: 'never' },
    { name: 't', title: '', default_value: 'world' },
  ]
  it('begin with defaults, but for secrets', () => expect(blank(vars)).toEqual({ n: '', e: '', s: '', t: 'world' }))
  it('are checked as the server does', () => {
    expect(check(vars, { n: '', e: 'b', s: '', t: '' })).toEqual({ n: 'field.required', e: 'field.choose', s: 'field.required' })
    expect(check(vars, { n: '1.5', e: 'a', s: 'x', t: '' })).toEqual({ n: 'field.integer' })
  })
  it('part secrets from the rest', () => expect(split(vars, { n: '7', e: '', s: 'x', t: 'y' })).toEqual({ environment: { n: 7, t: 'y' }, secret: { s: 'x' } }))
})

describe('cron', () => {
  it('is read and written by the builder', () => {
    for (const c of ['5 * * * *', '0 4 * * *', '30 6 * * 1', '0 0 15 * *', '0 12 24 12 *']) expect(build(parse(c))).toBe(c)
    for (const c of ['*/5 * * * *', '0 4 * * 1-5', '@daily', 'x', '']) expect(parse(c).every).toBe('custom')
  })
  it('is told in words of the language', async () => {
    expect((await words('0 4 * * 1-5', 'en')).text).toBe('At 04:00, Monday through Friday')
    expect((await words('0 4 * * *', 'ru')).text).toMatch(/04:00/)
    expect((await words('TZ=Europe/Berlin 0 4 * * *', 'en')).text).toMatch(/\(Europe\/Berlin\)$/)
    expect((await words('61 4 * * *', 'en')).error).toBe(true)
  })
})

describe('inventories', () => {
  it.each([
    ['[all]\nlocalhost ansible_connection=local # here\n\n[all:vars]\na=1', []],
    ['[all\nx', [1]],
    ['[a:hosts]', [1]],
    ['[a:vars]\nplain', [2]],
    ['[a:children]\nb c', [2]],
    ['host one two=3', [1]],
    ['web[01:50].example.org x="a b"', []],
  ])('%j', (text, lines) => expect(checkInventory(text).map((p) => p.line)).toEqual(lines))
})

describe('small things', () => {
  it('read and write paths', () => {
    const o: Record<string, unknown> = {}
    setPath(o, 'a.b.c', 1)
    expect(getPath(o, 'a.b.c')).toBe(1)
    expect(getPath(o, 'a.x.y')).toBeUndefined()
    expect(object('[1]')).toEqual({})
    expect(object('nonsense')).toEqual({})
  })
  it('tell times', () => {
    expect([850, 12_345, 245_000, 3_753_000, NaN].map(duration)).toEqual(['850 ms', '12.3 s', '4:05', '1:02:33', ''])
    expect(relative(0, 5 * 60_000)).toBe('5 min. ago')
  })
})

describe('a key', () => {
  it('is its letter or bracket where the keyboard has no Latin ones', () => {
    expect([letter({ key: 'п', code: 'KeyG' }), letter({ key: 'П', code: 'KeyG' }), letter({ key: 'х', code: 'BracketLeft' }), letter({ key: 'ъ', code: 'BracketRight' })]).toEqual(['g', 'G', '[', ']'])
    expect([letter({ key: 'z', code: 'KeyY' }), letter({ key: ']', code: 'BracketRight' }), letter({ key: 'Escape' })]).toEqual(['z', ']', 'Escape'])
  })
})
