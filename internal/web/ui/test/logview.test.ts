import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Stage } from '../src/api/schema'
import { visible } from '../src/lib/bidi'
import { failureLines, isFailure } from '../src/lib/errors'
import { keys } from '../src/lib/keys'
import { beside, readLines, spread, ticks, writeLines } from '../src/lib/lines'
import { partAt, partsOf, telling } from '../src/lib/parts'

describe('lines of an address', () => {
  it.each([
    ['#L1', { from: 0, to: 0 }],
    ['#L10-L20', { from: 9, to: 19 }],
    ['#L20-10', { from: 9, to: 19 }],
    ['#L0', { from: 0, to: 0 }],
    ['#L', null],
    ['#Lx', null],
    ['#L1-', null],
    ['', null],
    ['#L12345678901', null],
  ])('%s', (hash, want) => expect(readLines(hash)).toEqual(want))
  it('are written as they are read', () => {
    for (const hash of ['#L1', '#L10-L20']) expect(writeLines(readLines(hash)!)).toBe(hash)
  })
  it('reach from the first click to the one with shift', () => {
    expect(spread(null, -1, 7)).toEqual({ from: 7, to: 7 })
    expect(spread({ from: 3, to: 3 }, 3, 7)).toEqual({ from: 3, to: 7 })
    expect(spread({ from: 3, to: 7 }, 3, 1)).toEqual({ from: 1, to: 3 })
    expect(spread({ from: 3, to: 7 }, -1, 9)).toEqual({ from: 3, to: 9 })
  })
})

describe('stepping through lines', () => {
  it('goes on at the other end', () => {
    const list = [2, 5, 9]
    expect([0, 2, 5, 9, 20].map((n) => beside(list, n, 1))).toEqual([2, 5, 9, 2, 2])
    expect([0, 2, 5, 6, 20].map((n) => beside(list, n, -1))).toEqual([9, 9, 2, 5, 9])
    expect(beside([], 3, 1)).toBeNull()
  })
})

describe('ticks beside the scroll bar', () => {
  it('are one for each place, however many lines there are', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => i * 100)
    const got = ticks('hit', many, (n) => n, 1_000_000, 603)
    expect(got.length).toBeLessThanOrEqual(201)
    expect(got[0]).toEqual({ kind: 'hit', line: 0, top: 0 })
    expect(got.at(-1)!.top).toBeLessThanOrEqual(600)
    expect(ticks('error', [0], (n) => n, 0, 100)).toHaveLength(1)
  })
})

describe('failures of scripts', () => {
  it.each([
    'Error: Cannot find module',
    'error: pathspec "x" did not match',
    'fatal: not a git repository',
    './deploy.sh: line 12: foo: command not found',
    'cat: /nowhere: No such file or directory',
    'ValueError: invalid literal for int()',
    'requests.exceptions.ConnectionError: refused',
    'npm ERR! code 1',
    'make: *** [all] Error 2',
    'panic: runtime error: index out of range',
    '2026-01-02 10:00:00,123 ERROR worker died',
    '[ERROR] no such host',
    '\u001b[31mERROR\u001b[0m: in red',
    'curl: (7) Failed to connect to 127.0.0.1 port 1: Connection refused',
    'main.c:3:5: error: expected ;',
    '--- FAIL: TestX (0.00s)',
    'Segmentation fault (core dumped)',
  ])('%s', (text) => expect(isFailure(text)).toBe(true))
  it.each(['', 'all is well', '0 errors, 2 warnings', 'no error: fine', 'errors: 0', 'handles errors well', 'The error budget is 5 %', 'exit code 0', 'ignored: error: x'])('not %s', (text) => expect(isFailure(text)).toBe(false))

  const numbered = (...texts: string[]) => texts.map((text, i) => ({ n: i + 40, text }))
  it('are the first of lines that stand together', () => {
    expect(failureLines(numbered('start', 'npm ERR! a', 'npm ERR! b', 'then', 'Error: c'))).toEqual([41, 44])
  })
  it('are else the last line that says anything', () => {
    expect(failureLines(numbered('start', 'bash ended with exit code 1', '', ' '))).toEqual([41])
    expect(failureLines(numbered('start', 'bash ended with exit code 1', ''), 'bash ended with exit code 1')).toEqual([41])
    expect(failureLines([])).toEqual([])
  })
  it('are none where the reason stands in no log', () => {
    expect(failureLines(numbered('Plan: 1 to add', '+ greeting'), 'plan rejected')).toEqual([])
  })
  it('are found in a long line in no time', () => {
    const begun = performance.now()
    isFailure('a: '.repeat(100_000))
    isFailure('a '.repeat(100_000))
    isFailure('1'.repeat(100_000))
    expect(performance.now() - begun).toBeLessThan(100)
  })
})

describe('texts of others', () => {
  it('cannot turn what stands around them', () => {
    expect(visible('abc\u202Etxt.exe\u2069')).toBe('abc⟨RLO⟩txt.exe⟨PDI⟩')
    expect(visible('שלום hello')).toBe('שלום hello')
    for (let c = 0x2000; c < 0x2100; c++) expect(/[\u202a-\u202e\u2066-\u2069]/.test(visible(String.fromCharCode(c)))).toBe(false)
  })
})

describe('parts of a log', () => {
  const stage = (type: string, from: number, to: number, name = ''): Stage => ({ id: 0, task_id: 1, number: 0, type, name, start_output_id: from, end_output_id: to, start: '2026-01-01T00:00:00Z', end: '2026-01-01T00:00:02Z' })
  it('are plays with their tasks, without the phase around them', () => {
    const parts = partsOf([stage('init', 0, 9), stage('running', 10, 40), stage('play', 11, 39, 'P'), stage('task', 12, 20, 'A'), stage('task', 21, 39, 'B'), stage('print_result', 40, 42)])
    expect(parts.map((p) => [p.kind, p.type, p.level, p.under])).toEqual([
      ['phase', 'init', 0, -1],
      ['play', 'play', 0, -1],
      ['task', 'task', 1, 1],
      ['task', 'task', 1, 1],
      ['phase', 'print_result', 0, -1],
    ])
    expect(parts[1]!.ms).toBe(2000)
    expect([0, 10, 11, 20, 25, 99].map((n) => partAt(parts, n))).toEqual([0, 0, 1, 2, 3, 4])
    expect(partAt(parts.slice(1), 3)).toBe(-1)
    expect(telling(parts)).toBe(true)
  })
  it('are phases elsewhere', () => {
    const parts = partsOf([stage('init', 0, 9), stage('terraform_plan', 10, 40), stage('terraform_apply', 41, 50)])
    expect(parts.map((p) => p.type)).toEqual(['init', 'terraform_plan', 'terraform_apply'])
    expect(telling(parts)).toBe(true)
    expect(telling(partsOf([stage('init', 0, 9), stage('running', 10, 40)]))).toBe(false)
  })
})

describe('keys', () => {
  it('are in the README as the page has them', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    for (const group of keys) for (const [names] of group.keys) expect(readme, names.join()).toContain(`| ${names.map((k) => `\`${k}\``).join(' ')} |`)
  })
})
