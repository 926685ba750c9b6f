// Slow and broken connections: the first paint, a script that does not come, a
// wire that is cut in the middle of a log.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until, World } from './world.mjs'
import { Wire } from './wire.mjs'

let w
let wire
before(async () => {
  w = await World.start()
  wire = await Wire.to(w.port)
})
after(async () => {
  await w?.stop()
  await wire?.close()
})
const known = async (options = {}) => {
  const context = await w.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  await context.addInitScript(() => localStorage.setItem('project', '1'))
  return context
}

test('the frame is there before the page is, in light and dark', async () => {
  for (const [colorScheme, colour] of [['light', 'rgb(243, 243, 241)'], ['dark', 'rgb(17, 18, 17)']]) {
    const context = await known({ colorScheme })
    const page = await context.newPage()
    let release
    const held = new Promise((r) => (release = r))
    await page.route('**/assets/**', async (route) => {
      await held
      await route.continue()
    })
    await page.goto(w.base, { waitUntil: 'commit' })
    await page.waitForSelector('.shell > b:visible')
    await until('something is painted', () => page.evaluate(() => performance.getEntriesByName('first-contentful-paint').length === 1))
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.shell > b')).backgroundColor), colour)
    release()
    await page.waitForSelector('input[name=username]')
    assert.equal(await page.locator('.shell').count(), 0)
    await context.close()
  }
})

test('a script that cannot be loaded is told of, and so is none at all', async () => {
  const context = await known()
  const page = await context.newPage()
  await page.route('**/assets/index-*.js', (route) => route.abort())
  await page.goto(w.base)
  await page.waitForSelector('.shell >> text=could not be loaded')
  await context.close()

  const plain = await w.browser.newContext({ javaScriptEnabled: false })
  const dry = await plain.newPage()
  await dry.goto(w.base)
  assert.ok((await dry.locator('noscript').boundingBox()).height >= 20)
  assert.match(await dry.textContent('noscript'), /needs JavaScript/)
  await plain.close()
})

test('a wire that is cut in the middle of a log leaves no gap and no line twice', async () => {
  const tpl = await w.template('Cut', 'slow.sh')
  const page = await (await w.browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
  page.wrong = []
  page.setDefaultTimeout(15_000)
  await page.goto(wire.base)
  await page.fill('input[name=username]', 'admin')
  await page.fill('input[name=password]', w.password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.frame')
  const task = await w.api('POST', 'project/1/tasks', { template_id: tpl.id })
  await page.goto(`${wire.base}project/1/tasks/${task.id}`)
  const at = (n) => until(`line ${n} is printed`, async () => (await w.api('GET', `project/1/tasks/${task.id}/output`)).some((l) => l.output === `line ${n} of slow`), 30_000)
  await page.waitForSelector('.log >> text=/line \\d+ of slow/')
  wire.cut()
  await page.waitForSelector('.log .lost')
  await at(200)
  wire.mend()
  await page.waitForSelector('.log .lost', { state: 'detached' })
  await page.waitForSelector('.head .status.ok', { timeout: 30_000 })
  assert.equal(await page.locator('.note.bad').count(), 0, 'nothing is told any more')
  const lines = await w.api('GET', `project/1/tasks/${task.id}/output`)
  const seen = new Map()
  await page.focus('#main')
  await page.keyboard.press('g')
  await until('all lines are seen', async () => {
    const rows = await page.$$eval('.log .line', (l) => l.map((r) => [Number(r.querySelector('.no').textContent), r.querySelector('.text').textContent]))
    rows.forEach(([n], i) => i && assert.equal(n, rows[i - 1][0] + 1))
    for (const [n, text] of rows) if (text !== '…') seen.set(n, text)
    await page.keyboard.press('PageDown')
    return seen.size >= lines.length
  })
  lines.forEach((l, i) => assert.equal(seen.get(i + 1), l.output))
  await page.context().close()
})
