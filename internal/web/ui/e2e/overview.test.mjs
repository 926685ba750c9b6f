// Pages that tell how things went.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clean, go, until, World } from './world.mjs'

let w
before(async () => (w = await World.start()))
after(() => w?.stop())

const ended = (id) => until(`task ${id} ends`, async () => (await w.api('GET', `project/1/tasks/${id}`)).end)

test('templates tell how they went lately, in the columns that their viewer wants', async () => {
  const tpl = await w.template('Now and then', 'flood.sh', { arguments: '["n=3"]' })
  for (let i = 0; i < 3; i++) await ended((await w.api('POST', 'project/1/tasks', { template_id: tpl.id })).id)
  const page = await w.page('admin', w.password)
  await go(page, 'project/1/templates')
  const row = page.getByRole('row').filter({ hasText: 'Now and then' })
  await until('its three tasks are there', async () => (await row.locator('.recent li').count()) === 3)
  assert.match(await row.locator('.recent a').last().getAttribute('aria-label'), /^#\d+ · Success · /)
  // One that is started elsewhere joins them by itself.
  await w.api('POST', 'project/1/tasks', { template_id: tpl.id })
  await until('the fourth joins', async () => (await row.locator('.recent li').count()) === 4)

  assert.equal(await page.locator('th', { hasText: 'Repository' }).count(), 0)
  await page.getByRole('button', { name: 'Columns' }).click()
  await page.getByRole('menuitemcheckbox', { name: 'Repository' }).click()
  await page.getByRole('menuitemcheckbox', { name: 'Recent tasks' }).click()
  await page.keyboard.press('Escape')
  await page.reload()
  await page.locator('th', { hasText: 'Repository' }).waitFor()
  await until('the repository is named', async () => (await row.innerText()).includes('Demo'))
  assert.equal(await page.locator('.recent').count(), 0)
  clean(page)
})

test('figures of days are those of the viewer and say the same in numbers', async () => {
  const tpl = await w.template('Counted', 'missing.sh')
  await ended((await w.api('POST', 'project/1/tasks', { template_id: tpl.id })).id)
  const page = await w.page('admin', w.password, { timezoneId: 'Pacific/Kiritimati' })
  await go(page, `project/1/templates/${tpl.id}/details`)
  await page.locator('.chart canvas').waitFor()
  await page.getByText('In numbers').click()
  const today = await page.evaluate(() => new Intl.DateTimeFormat('en', { month: 'long', day: 'numeric', year: 'numeric' }).format(new Date()))
  const row = page.getByRole('row').filter({ hasText: today })
  assert.deepEqual((await row.getByRole('cell').allInnerTexts()).slice(1), ['0', '1', '0'])
  assert.match(await page.locator('.figures').innerText(), /0%/)
  clean(page)
})

test('the history is narrowed by tabs and filters that stay in the address', async () => {
  const bad = await w.template('Breaks often', 'missing.sh')
  const good = await w.template('Goes well', 'flood.sh', { arguments: '["n=1"]' })
  const failed = (await w.api('POST', 'project/1/tasks', { template_id: bad.id, message: 'after lunch' })).id
  const fine = (await w.api('POST', 'project/1/tasks', { template_id: good.id })).id
  await Promise.all([ended(failed), ended(fine)])
  const page = await w.page('admin', w.password)
  const rows = () => page.locator('.tasks tbody tr').allInnerTexts()
  await go(page, 'project/1/history')
  assert.ok((await rows()).some((r) => r.includes(`#${fine}`)))
  await page.getByRole('button', { name: 'Failed' }).click()
  await until('what went well is gone', async () => (await rows()).length > 0 && (await rows()).every((r) => r.trim().startsWith('Failed')))
  await page.getByLabel('Template', { exact: true }).selectOption({ label: 'Breaks often' })
  await page.waitForURL(/template=\d+/)
  await until('one is left', async () => (await rows()).length === 1)
  await page.reload()
  await until('the address keeps it', async () => (await rows()).length === 1 && (await rows())[0].includes('after lunch'))
  await page.getByRole('button', { name: 'Success' }).click()
  await page.getByRole('button', { name: 'Clear the filters' }).click()
  await until('what went well is back', async () => (await rows()).some((r) => r.includes(`#${fine}`)))
  clean(page)
})

test('a task tells who started it, and leads to the runs before and after it', async () => {
  const tpl = await w.template('Thrice', 'flood.sh', { arguments: '["n=2"]' })
  const ids = []
  for (let i = 0; i < 3; i++) {
    ids.push((await w.api('POST', 'project/1/tasks', { template_id: tpl.id })).id)
    await ended(ids[i])
  }
  const page = await w.page('admin', w.password)
  await go(page, `project/1/tasks/${ids[1]}`)
  await until('who and what', async () => /admin.*[0-9a-f]{8}/s.test(await page.locator('.quiet-facts').innerText()))
  await page.getByRole('link', { name: `Run before, #${ids[0]}` }).waitFor()
  await page.keyboard.press(']')
  await page.waitForURL(new RegExp(`/tasks/${ids[2]}$`))
  await page.getByRole('link', { name: `Run before, #${ids[1]}` }).waitFor()
  assert.equal(await page.getByRole('link', { name: /^Next run/ }).count(), 0)
  await page.keyboard.press('[')
  await page.waitForURL(new RegExp(`/tasks/${ids[1]}$`))
  await page.getByRole('link', { name: `Run before, #${ids[0]}` }).click()
  await page.getByRole('link', { name: `Next run, #${ids[1]}` }).waitFor()
  clean(page)
})

test('several tasks are run again or stopped at once, and what is refused is told', async () => {
  const tpl = await w.template('Many', 'slow.sh')
  const asks = await w.template('Asks', 'secret.sh', { survey_vars: [{ name: 'word', title: 'Word', type: 'secret', required: true }] })
  const made = []
  for (let i = 0; i < 3; i++) made.push((await w.api('POST', 'project/1/tasks', { template_id: tpl.id, message: 'one of many' })).id)
  const page = await w.page('admin', w.password)
  await go(page, 'project/1/history?search=one%20of%20many')
  const bar = page.getByRole('region', { name: 'Picked tasks' })
  await page.getByLabel(`Pick #${made[2]}`).click()
  await page.getByLabel(`Pick #${made[0]}`).click({ modifiers: ['Shift'] })
  await bar.getByText('3 picked').waitFor()
  assert.equal(await bar.getByRole('button', { name: 'Run 0 again' }).isDisabled(), true)
  await bar.getByRole('button', { name: 'Stop 3' }).click()
  await Promise.all(made.map(ended))
  assert.equal(await bar.count(), 0)

  const secret = (await w.api('POST', 'project/1/tasks', { template_id: asks.id, message: 'one of many', secret: '{"word":"abc"}' })).id
  await ended(secret)
  await go(page, 'project/1/history?search=one%20of%20many')
  await page.getByLabel(`Pick #${secret}`).click()
  await page.getByLabel(`Pick #${made[1]}`).click()
  await bar.getByRole('button', { name: 'Run 2 again' }).click()
  await page.locator('.notices', { hasText: '1 task was started.' }).waitFor()
  await page.locator('.notices .bad', { hasText: `#${secret}` }).waitFor()
  clean(page)
})

test('what is not there leads to the list it would stand in', async () => {
  const page = await w.page('admin', w.password)
  for (const [path, says, list, to] of [
    ['tasks/99999', 'There is no such task', 'History', /project\/1\/history$/],
    ['templates/99999', 'There is no such template', 'Templates', /project\/1\/templates$/],
    ['templates/99999/edit', 'There is no such template', 'Templates', /project\/1\/templates$/],
    ['inventory/99999', 'There is no such entry', 'Inventories', /project\/1\/inventory$/],
  ]) {
    await go(page, `project/1/${path}`)
    await page.locator('.empty', { hasText: says }).getByText(list).click()
    await page.waitForURL(to)
  }
  clean(page)
  await page.context().close()
})

test('a browser that lets nothing be kept shows all the same', async () => {
  const tpl = await w.template('Kept nowhere', 'flood.sh', { arguments: '["n=3"]' })
  const task = (await w.api('POST', 'project/1/tasks', { template_id: tpl.id })).id
  await ended(task)
  const page = await w.page('admin', w.password)
  await page.addInitScript(() => Object.defineProperty(window, 'localStorage', { get: () => { throw new DOMException('denied', 'SecurityError') } }))
  for (const [path, text] of [['', 'Kept nowhere'], ['project/1/templates', 'Kept nowhere'], [`project/1/tasks/${task}`, 'flood line 3']]) {
    await go(page, path)
    await page.locator('main').getByText(text).filter({ visible: true }).first().waitFor()
  }
  clean(page)
})
