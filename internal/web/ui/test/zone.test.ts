import { describe, expect, it } from 'vitest'
import { nextRuns, offset, zones } from '../src/lib/zone'

describe('time zones', () => {
  it('come with the given ones first, each once', () => {
    const all = zones(['Asia/Tokyo', '', 'Europe/Berlin', 'Asia/Tokyo'])
    expect(all.slice(0, 3)).toEqual(['Asia/Tokyo', 'Europe/Berlin', 'UTC'])
    expect(new Set(all).size).toBe(all.length)
    expect(all).toContain('America/New_York')
  })
  it('have an offset, or none where they are not known', () => {
    expect(offset('2026-07-01T00:00:00Z', 'Europe/Berlin')).toBe('GMT+02:00')
    expect(offset(0, 'Mars/Base')).toBe('')
  })
})

describe('next runs', () => {
  const times = ['2026-03-28T01:30:00Z', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z']
  it('are written in the viewer’s zone, and in that of the schedule where it differs', () => {
    expect(nextRuns(times, 'Europe/Berlin', 'Europe/Paris', 'en').map((r) => r.there)).toEqual(['', '', ''])
    const [run] = nextRuns(times, 'Europe/Berlin', 'UTC', 'en')
    expect(run!.text).toContain('01:30')
    expect(run!.there).toContain('02:30')
  })
  it('tell where the clock of the schedule was changed', () => {
    expect(nextRuns(times, 'Europe/Berlin', 'UTC', 'en').map((r) => r.change)).toEqual(['', 'GMT+02:00', ''])
    expect(nextRuns(times, 'UTC', 'Europe/Berlin', 'en').map((r) => r.change)).toEqual(['', '', ''])
  })
  it('of a zone that the browser does not know are written in the viewer’s', () => {
    expect(nextRuns(times, 'Mars/Base', 'UTC', 'en').map((r) => r.there + r.change)).toEqual(['', '', ''])
  })
})
