// Signing in with a code that comes by e-mail.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { clean, until, World } from './world.mjs'

/** A mail server that takes everything and keeps it. */
async function postbox() {
  const mails = []
  const server = createServer((socket) => {
    let data = null
    let rest = ''
    const say = (s) => socket.write(s + '\r\n')
    socket.on('error', () => {})
    socket.on('data', (d) => {
      rest += d
      for (let end; (end = rest.indexOf('\r\n')) >= 0; rest = rest.slice(end + 2)) {
        const line = rest.slice(0, end)
        if (data !== null && line !== '.') data += line + '\n'
        else if (data !== null) (mails.push(data), (data = null), say('250 ok'))
        else if (/^DATA/i.test(line)) ((data = ''), say('354 go on'))
        else say(/^QUIT/i.test(line) ? '221 bye' : '250 ok')
      }
    })
    say('220 here')
  })
  await new Promise((r) => server.listen(0, '127.0.0.1', r))
  return { mails, port: server.address().port, close: () => server.close() }
}

test('a code by e-mail signs in, and a new one replaces it', async () => {
  const box = await postbox()
  const env = { EMAIL_2TP_ENABLED: 'true', EMAIL_HOST: '127.0.0.1', EMAIL_PORT: String(box.port), EMAIL_SENDER: 'semaphore@localhost' }
  const w = await World.start(Object.fromEntries(Object.entries(env).map(([k, v]) => ['SEMAPHORE_' + k, () => v])))
  try {
    const page = await w.page()
    await page.goto(w.base)
    await page.fill('input[name=username]', 'admin')
    await page.fill('input[name=password]', w.password)
    const before = box.mails.length
    await page.keyboard.press('Enter')
    await page.waitForSelector('text=sent to you by e-mail')
    const code = async (n) => /\b(\d{6})\b/.exec(await until('the mail is here', () => box.mails[before + n]))[1]
    const first = await code(0)
    await page.click('text=Send a new code')
    const second = await code(1)
    await page.reload()
    await page.waitForSelector('text=If none has come, sign in again')
    assert.equal(await page.locator('text=Send a new code').count(), 0)
    const tries = first === second ? [second] : [first, second]
    for (const c of tries) {
      await page.fill('input.mono', c)
      await page.keyboard.press('Enter')
      if (c !== second) await page.waitForSelector('.error')
    }
    await page.waitForSelector('.frame')
    assert.ok(!page.url().includes('/auth'))
    clean(page)
  } finally {
    await w.stop()
    box.close()
  }
})
