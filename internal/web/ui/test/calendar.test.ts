import { describe, expect, it } from 'vitest'
import { add, addMonths, byDay, firstDay, interval, isDate, month, moved, week, worst } from '../src/lib/calendar'

describe('days of a calendar', () => {
  it('are dates that there are', () => {
    expect(['2026-02-28', '2028-02-29'].every(isDate)).toBe(true)
    expect(['2026-02-29', '2026-2-1', '', null, '2026-13-01', 'x'].some(isDate)).toBe(false)
  })
  it('follow each other where clocks change and months end', () => {
    expect([add('2026-03-29', 1), add('2026-10-25', 1), add('2026-12-31', 1), add('2026-03-01', -1)]).toEqual(['2026-03-30', '2026-10-26', '2027-01-01', '2026-02-28'])
    expect([addMonths('2026-01-31', 1), addMonths('2026-01-15', -1), addMonths('2026-12-31', 2)]).toEqual(['2026-02-28', '2025-12-15', '2027-02-28'])
  })
  it('make weeks that begin where the viewer’s do', () => {
    expect(week('2026-11-26', 1)[0]).toBe('2026-11-23')
    expect(week('2026-11-29', 1)[0]).toBe('2026-11-23')
    expect(week('2026-11-29', 7)[0]).toBe('2026-11-29')
    expect(firstDay('no language')).toBe(1)
  })
  it('make all weeks of a month and no other', () => {
    const weeks = month('2026-11-26', 1)
    expect([weeks.length, weeks[0]![0], weeks.at(-1)![6]]).toEqual([6, '2026-10-26', '2026-12-06'])
    expect(month('2027-02-10', 1).map((w) => w[0])).toEqual(['2027-02-01', '2027-02-08', '2027-02-15', '2027-02-22'])
    expect(month('2026-12-05', 7).at(-1)![6]).toBe('2027-01-02')
    for (let m = '2024-01-15'; m < '2030'; m = addMonths(m, 1)) expect(month(m, 1).flat().length).toBeLessThanOrEqual(42)
  })
  it('are chosen by keys', () => {
    const at = (key: string) => moved('2026-11-26', key, 1)
    expect(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown', 'x'].map(at)).toEqual(['2026-11-25', '2026-11-27', '2026-11-19', '2026-12-03', '2026-11-23', '2026-11-29', '2026-10-26', '2026-12-26', undefined])
  })
})

describe('runs of a day', () => {
  const run = (date: string, schedule_id: number) => ({ date, schedule_id, count: 1, first: '', last: '', name: '', template_id: 1, tpl_name: '' })
  it('are found by their day, in order', () => {
    const days = byDay([run('2026-01-01', 1), run('2026-01-02', 2), run('2026-01-01', 3)])
    expect(days.get('2026-01-01')!.map((r) => r.schedule_id)).toEqual([1, 3])
    expect(days.has('2026-01-03')).toBe(false)
  })
  it('come in the largest unit of time', () => {
    expect([interval(300), interval(7200), interval(90), interval(1)]).toEqual([{ unit: 'minutes', n: 5 }, { unit: 'hours', n: 2 }, { unit: 'seconds', n: 90 }, { unit: 'seconds', n: 1 }])
  })
  it('are told by what asks for attention', () => {
    expect(worst({ success: 10, error: 1 })).toBe('error')
    expect(worst({ success: 1, running: 1 })).toBe('running')
    expect(worst({ unheard: 1 })).toBe('unheard')
  })
})
