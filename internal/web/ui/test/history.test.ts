import { describe, expect, it } from 'vitest'
import { tabs, tally, usual } from '../src/lib/history'
import { known } from '../src/lib/status'

const run = (status: string, s: number | null) => ({ status, start: '2026-01-01T00:00:00Z', end: s === null ? null : new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString() })

describe('the history', () => {
  it('has each state in a tab beside that of all', () => {
    expect(known.filter((s) => !Object.values(tabs).flat().includes(s))).toEqual([])
  })
  it('counts what runs and what waits for somebody, and no past', () => {
    const counts = { waiting: 1, running: 2, waiting_confirmation: 3, error: 9, success: 99 }
    expect(['all', 'active', 'confirm', 'error', 'success'].map((x) => tally(x, counts))).toEqual([0, 6, 3, 0, 0])
  })
  it('knows how long a template usually takes by its successes alone', () => {
    expect(usual([run('success', 10), run('error', 900), run('success', 30), run('running', null), run('success', 11)])).toBe(11_000)
    expect(usual([run('success', 10), run('success', 20)])).toBe(15_000)
    expect(usual([run('success', 10)])).toBeNull()
  })
})
