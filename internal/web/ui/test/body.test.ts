import { describe, expect, it } from 'vitest'
import { readBody } from '../src/lib/body'

const base64 = (bytes: number[] | string) => Buffer.from(bytes as string).toString('base64')

describe('the body of a call', () => {
  it.each([
    ['text is what came', base64('{"id":12345678901234567890, "a":"привет <b>"}'), '{"id":12345678901234567890, "a":"привет <b>"}'],
    ['bytes that are no text stay as they came', base64([0xff, 0xfe, 0]), '//4A'],
    ['none is nothing', null, ''],
  ])('%s', (_, body, want) => expect(readBody(body)).toBe(want))
})
