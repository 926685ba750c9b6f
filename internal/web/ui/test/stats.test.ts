import { describe, expect, it } from 'vitest'
import { bars, since, totals } from '../src/lib/stats'

const today = new Date(2026, 2, 31, 23, 59).getTime()
const stat = (date: string, count_by_status: Record<string, number>, avg_duration = 0) => ({ date, count_by_status, avg_duration })

describe('figures of days', () => {
  it('has a bar for each day, today being the last', () => {
    const b = bars([stat('2026-03-30', { success: 3, error: 1, waiting: 5 })], 3, today)
    expect(b.map((x) => x.date)).toEqual(['2026-03-29', '2026-03-30', '2026-03-31'])
    expect(b[1]).toEqual({ date: '2026-03-30', success: 3, error: 1, stopped: 0 })
    expect(b[2]).toMatchObject({ success: 0, error: 0 })
  })
  it('counts a long time by weeks and loses nothing', () => {
    const b = bars([stat('2025-04-01', { success: 1 }), stat('2025-04-07', { success: 2 }), stat('2026-03-31', { stopped: 4 })], 365, today)
    expect(b).toHaveLength(53)
    expect(b[0]).toMatchObject({ date: '2025-04-01', success: 3 })
    expect(b[52]!.stopped).toBe(4)
  })
  it('knows the first day over a change of the clock', () => {
    expect(since(7, today)).toBe('2026-03-25')
  })
  it('tells the share of successes of what ended by itself', () => {
    expect(totals([stat('2026-03-30', { success: 3, error: 1, stopped: 6 }, 10), stat('2026-03-31', { success: 10 }, 30)])).toEqual({ sum: { success: 13, error: 1, stopped: 6 }, rate: 13 / 14, took: 20_000 })
    expect(totals([])).toEqual({ sum: { success: 0, error: 0, stopped: 0 }, rate: null, took: null })
  })
})
