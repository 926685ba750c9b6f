// The page without a mouse: what is done here is done by keys alone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clean, until, World } from './world.mjs'

let w
before(async () => (w = await World.start()))
after(() => w?.stop())

test('a template is made, run, stopped and searched by keys alone', async () => {
  const page = await w.page()
  const { keyboard } = page
  const here = () => page.evaluate(() => {
    const e = document.activeElement
    const name = e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent
    return { name: name.trim(), seen: e.matches(':focus-visible') }
  })
  /** Presses a key until what has the focus is named so; each stop on the way has to be seen. */
  const reach = async (name, key = 'Tab') => {
    for (let n = 0; n < 90; n++) {
      const at = await here()
      if (name.test(at.name)) return assert.ok(at.seen, `the focus on ${name} is not seen`)
      await keyboard.press(key)
    }
    assert.fail(`no way to ${name} by ${key}`)
  }
  const press = async (name, key = 'Enter') => (await reach(name), keyboard.press(key))
  const type = async (name, text) => (await reach(name), keyboard.type(text))

  await page.goto(w.base)
  await type(/^Username/, 'admin')
  await type(/^Password/, w.password)
  await keyboard.press('Enter')
  await page.waitForSelector('.frame')
  await press(/^Templates$/)
  await page.waitForSelector('h1:has-text("Templates")')
  await press(/^New template$/)
  await page.waitForSelector('[role=menuitem]')
  await reach(/^Bash/, 'ArrowDown')
  await keyboard.press('Enter')
  await page.waitForSelector('.form')
  await type(/^Name/, 'By keys')
  await reach(/^Repository/)
  if ((await page.evaluate(() => document.activeElement.value)) === '-1') await keyboard.press('ArrowDown')
  await type(/^Script/, 'slow.sh')
  await press(/^Create$/)
  await page.waitForSelector('h1:has-text("By keys")')
  await press(/^Run$/)
  await page.waitForSelector('[role=dialog]')
  await keyboard.press('Enter')
  await page.waitForURL(/tasks\/\d+$/)
  await page.waitForSelector('.log >> text=line 1')
  await press(/^Stop$/)
  await page.waitForSelector('.head .status:has-text("Stopped")')
  await keyboard.press('Control+f')
  await keyboard.type('line 7 of slow')
  await until('it is found', async () => (await page.textContent('.log .found')).startsWith('1'))
  await keyboard.press('Enter')
  await page.waitForSelector('.log .line:has-text("line 7 of slow")')
  await keyboard.press('Control+k')
  await page.waitForSelector('[role=dialog]')
  await keyboard.type('By keys')
  await page.waitForSelector('[role=option]:has-text("By keys")')
  await keyboard.press('Enter')
  await page.waitForURL(/templates\/\d+/)
  await page.waitForSelector('text=Stopped')
  clean(page)
  await page.context().close()
})
