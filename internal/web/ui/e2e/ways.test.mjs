// Finding one's way: the side bar, the search, the keys of tables.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clean, go, serious, until, World } from './world.mjs'

let w
before(async () => (w = await World.start()))
after(() => w?.stop())

const start = async (id, more = {}) => (await w.api('POST', 'project/1/tasks', { template_id: id, ...more })).id
const link = (page, name) => page.locator('.nav').getByRole('link', { name })

test('the side bar holds all screens, folds, and says where one is', async () => {
  const page = await w.page('admin', w.password)
  await go(page, 'project/1/history')
  const hidden = await page.locator('.nav .links').evaluate((e) => e.scrollHeight - e.clientHeight)
  assert.ok(hidden <= 0, `all links are seen at 1280 x 800, but for ${hidden} px`)
  assert.equal(await link(page, 'History').getAttribute('aria-current'), 'page')

  // Screens of a kind are tabs of one link; each has its own address.
  await link(page, 'Key store').click()
  await page.locator('.screens').getByRole('link', { name: 'Known hosts' }).click()
  await page.waitForURL(/project\/1\/known_hosts$/)
  assert.equal(await link(page, 'Key store').getAttribute('aria-current'), 'true')
  for (const [path, tabs] of [['project/1/calendar', 'Schedules|Calendar'], ['project/1/deliveries', 'Webhooks|Deliveries'], ['roles', 'Users|Shared roles']]) {
    await go(page, path)
    assert.equal((await page.locator('.screens a').allInnerTexts()).join('|'), tabs)
    assert.deepEqual(await serious(page), [])
  }

  const fold = page.getByRole('button', { name: 'Resources' })
  await fold.focus()
  await page.keyboard.press('Enter')
  assert.equal(await fold.getAttribute('aria-expanded'), 'false')
  assert.equal(await link(page, 'Key store').count(), 0)
  await page.reload()
  await fold.waitFor()
  assert.equal(await fold.getAttribute('aria-expanded'), 'false')
  await go(page, 'project/1/inventory')
  assert.equal(await fold.getAttribute('aria-expanded'), 'true', 'the group of the current page opens')

  await page.setViewportSize({ width: 1280, height: 480 })
  await go(page, 'server')
  assert.ok(await link(page, 'Server').evaluate((e) => e.getBoundingClientRect().bottom <= e.closest('.links').getBoundingClientRect().bottom + 1))
  clean(page)
})

test('the side bar and the window say what runs and what asks', async () => {
  const slow = await w.template('Takes long', 'slow.sh')
  const page = await w.page('admin', w.password)
  await go(page, 'project/1/templates')
  const width = () => link(page, 'History').locator('.count').last().evaluate((e) => e.getBoundingClientRect().width)
  const before = await width()
  const task = await start(slow.id)
  await link(page, /^History\s+1 running/).waitFor()
  await link(page, /^Queue\s+1 not finished/).waitFor()
  assert.equal(await width(), before)
  assert.equal(await page.title(), '▶ 1 Templates · Demo · Semaphore')
  await go(page, `project/1/tasks/${task}`)
  await until('its title tells its state', async () => (await page.title()) === `▶ #${task} Takes long · Demo · Semaphore`)
  await w.api('POST', `project/1/tasks/${task}/stop`, { force: true })
  await until('its title tells its end', async () => (await page.title()).startsWith(`■ #${task} `))
  await until('nothing runs', async () => (await link(page, 'History').innerText()).trim() === 'History')
  await link(page, 'Statistics').click()
  await until('the title is that of the screen', async () => (await page.title()) === 'Statistics · Demo · Semaphore')
  clean(page)
})
