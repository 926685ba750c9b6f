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
  const width = () => link(page, 'History').locator('.nav-count').last().evaluate((e) => e.getBoundingClientRect().width)
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

const options = (page) => page.locator('[role=dialog] [role=option]').allInnerTexts().then((all) => all.map((x) => x.replace(/\s*\n\s*/g, ' | ')))
async function find(page, text) {
  await page.keyboard.press('Control+k')
  await page.locator('[role=dialog] input').fill(text)
}

test('the search finds what was opened, tasks by their message, and does things', async () => {
  const slow = await w.template('Deploy the shop', 'slow.sh')
  const task = await start(slow.id, { message: 'because of the zeppelin' })
  const page = await w.page('admin', w.password)
  await go(page, `project/1/templates/${slow.id}`)
  await go(page, `project/1/tasks/${task}`)
  await go(page, 'project/1/history')
  await page.keyboard.press('/')
  await until('what was opened stands first', async () => (await options(page)).slice(0, 2).join('; ') === `#${task} · Deploy the shop · because of the zeppelin | Opened lately; Deploy the shop | Opened lately`)
  assert.deepEqual(await serious(page), [])

  await page.locator('[role=dialog] input').fill('zeppelin')
  await until('a task is found by its message', async () => (await options(page))[0]?.startsWith(`#${task} ·`))
  for (const [typed, first] of [['deliveries', 'Deliveries | Screen'], ['new key', 'New key | Action'], ['run deploy', 'Run Deploy the shop | Action'], [`stop #${task}`, `Stop #${task} · Deploy the shop | Action`], ['dark', 'Appearance: Dark | Action'], ['#987', '#987 | Task']]) {
    await page.locator('[role=dialog] input').fill(typed)
    await until(`${typed} finds ${first}`, async () => (await options(page))[0] === first)
  }
  await page.locator('[role=dialog] input').fill(`stop #${task}`)
  await page.keyboard.press('Enter')
  await until('it is stopped', async () => ['stopping', 'stopped'].includes((await w.api('GET', `project/1/tasks/${task}`)).status))
  await find(page, 'run deploy')
  await until('it can be run', async () => (await options(page))[0] === 'Run Deploy the shop | Action')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Run Deploy the shop' }).locator('button.primary').click()
  await page.waitForURL(/tasks\/\d+$/)
  await find(page, 'русский')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'История' }).waitFor()
  clean(page)
})

test('the search offers nobody what they may not do', async () => {
  const user = await w.api('POST', 'users', { name: 'Gwen', username: 'gwen', email: 'gwen@localhost', password: 'Long enough 1', admin: false })
  await w.api('POST', 'project/1/users', { user_id: user.id, role: 'guest' })
  const page = await w.page('gwen', 'Long enough 1')
  await go(page, 'project/1/history')
  for (const typed of ['new', 'run hello', 'users', 'server', 'gwen']) {
    await find(page, typed)
    await page.settled()
    assert.deepEqual((await options(page)).filter((x) => / \| (Action|Users)$|^(Users|Server) /.test(x) && !/^(Appearance|Language)/.test(x)), [], typed)
    await page.keyboard.press('Escape')
  }
  clean(page)
})

test('lists are walked through by keys, also with a Russian keyboard', async () => {
  const tpl = await w.template('Zz quick', 'flood.sh', { arguments: '["n=1"]' })
  let task
  for (let i = 0; i < 2; i++) {
    task = await start(tpl.id)
    await until('it ends', async () => (await w.api('GET', `project/1/tasks/${task}`)).end)
  }
  const page = await w.page('admin', w.password)
  await go(page, 'project/1/keys')
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim())
  await page.keyboard.press('g')
  await page.keyboard.press('h')
  await page.waitForURL(/history$/)
  await page.settled()
  await page.keyboard.press('j')
  assert.match(await focused(), new RegExp(`^#${task}`))
  await page.keyboard.press('ArrowDown')
  assert.match(await focused(), new RegExp(`^#${task - 1}`))
  await page.keyboard.press('k')
  await page.keyboard.press('r')
  await page.getByRole('dialog', { name: 'Run Zz quick' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.match(await focused(), new RegExp(`^#${task}`))
  await page.keyboard.press('Enter')
  await page.waitForURL(new RegExp(`tasks/${task}$`))
  // On a Russian keyboard g and t are п and е.
  for (const [key, code] of [['п', 'KeyG'], ['е', 'KeyT']]) await page.evaluate(([k, c]) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: k, code: c, bubbles: true })), [key, code])
  await page.waitForURL(/templates$/)
  await page.settled()
  await page.getByRole('searchbox', { name: 'Filter' }).fill('j k n g')
  assert.equal(await page.getByRole('searchbox', { name: 'Filter' }).inputValue(), 'j k n g', 'who types is not disturbed')
  await go(page, 'project/1/repositories')
  await page.keyboard.press('n')
  await page.waitForURL(/repositories\/new$/)
  await go(page, 'project/1/keys')
  await page.keyboard.press('?')
  await page.getByRole('dialog').getByText('Next row').waitFor()
  assert.deepEqual(await serious(page), [])
  clean(page)
})

test('lists sort by their headings, and empty ones say what to do', async () => {
  for (const name of ['Beta', 'Alpha']) await w.api('POST', 'project/1/environment', { project_id: 1, name, json: '{}', env: '{}' })
  const page = await w.page('admin', w.password)
  await go(page, 'project/1/environment')
  const names = async () => (await page.locator('tbody a').allInnerTexts()).filter((x) => /^(Alpha|Beta)$/.test(x)).join()
  const head = page.getByRole('columnheader', { name: 'Name' })
  assert.deepEqual([await names(), await head.getAttribute('aria-sort')], ['Alpha,Beta', 'ascending'])
  await head.getByRole('button').click()
  await until('it is turned round', async () => (await names()) === 'Beta,Alpha')
  assert.equal(await head.getAttribute('aria-sort'), 'descending')
  assert.match(page.url(), /sort=name&order=desc/)
  await page.reload()
  await until('the address keeps the order', async () => (await names()) === 'Beta,Alpha')
  await go(page, 'project/1/secret_storages')
  await page.locator('.empty').getByRole('button', { name: 'New storage' }).click()
  await page.waitForURL(/secret_storages\/new$/)
  clean(page)
})

test('runners show what they run, what waits for whom, and who is there', async () => {
  await w.api('POST', 'runners', { name: 'Box', tag: 'gpu', max_parallel_tasks: 2, active: true })
  const tpl = await w.template('Wants a lab', 'slow.sh', { runner_tag: 'gpu' })
  const page = await w.page('admin', w.password)
  await go(page, 'runners')
  const row = page.getByRole('row').filter({ hasText: 'Box' })
  assert.match(await row.innerText(), /0 of 2/)
  assert.match(await row.innerText(), /never seen/)
  const task = await start(tpl.id)
  const waits = page.locator('.waits tbody tr').filter({ hasText: 'gpu' })
  await waits.waitFor()
  assert.deepEqual((await waits.getByRole('cell').allInnerTexts()).map((x) => x.trim()), ['gpu', '1', '1', `#${task}`])
  assert.deepEqual(await serious(page), [])
  await waits.getByRole('link').click()
  await page.waitForURL(new RegExp(`project/1/tasks/${task}$`))
  await w.api('POST', `project/1/tasks/${task}/stop`, { force: true })
  clean(page)
})

test('on a phone nothing is squeezed, and the drawer leads on', async () => {
  await w.api('POST', 'project/1/runners', { project_id: 1, name: 'Own box', tag: 'lab', max_parallel_tasks: 2, active: true })
  const page = await w.page('admin', w.password, { viewport: { width: 375, height: 700 }, locale: 'ru-RU' })
  for (const path of ['activity', 'schedule', 'templates', 'keys', 'repositories', 'team', 'runners', 'deliveries']) {
    await go(page, `project/1/${path}`)
    const wide = await page.evaluate(() => [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth + 1).length + (document.documentElement.scrollWidth > innerWidth ? 1 : 0))
    assert.equal(wide, 0, `${path} fits`)
  }
  await go(page, 'project/1/activity')
  const text = await page.locator('tbody td:last-child').first().evaluate((e) => e.getBoundingClientRect().width)
  assert.ok(text > 300, `events have ${text} px`)
  await page.getByRole('button', { name: 'Меню' }).click()
  await link(page, 'Шаблоны').click()
  await page.waitForURL(/templates$/)
  await until('the drawer is shut', async () => !(await page.locator('.nav').isVisible()))
  assert.deepEqual(await serious(page), [])
  clean(page)
})
