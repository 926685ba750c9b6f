// What is ordered by hand, and what uses what.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clean, go, serious, until, World } from './world.mjs'

let w
let admin
before(async () => {
  w = await World.start()
  admin = await w.page('admin', w.password)
})
after(() => w?.stop())

/** Drags the grip of a row onto another row's upper half. */
async function drag(row, onto) {
  const from = await row.locator('.grip').boundingBox()
  const to = await onto.boundingBox()
  await admin.mouse.move(from.x + from.width / 2, from.y + from.height / 2)
  await admin.mouse.down()
  await admin.mouse.move(to.x + 40, to.y + 4, { steps: 4 })
  await admin.mouse.up()
}
const rows = () => admin.$$eval('[data-row]', (all) => all.map((r) => r.querySelector('.link').textContent))

test('apps are moved by buttons and by dragging', async () => {
  await go(admin, 'apps')
  const before = await rows()
  const second = before[1]
  await admin.getByLabel(`Move up: ${second}`).focus()
  await admin.keyboard.press('Enter')
  await until('it is the first', async () => (await rows())[0] === second)
  assert.equal(await admin.evaluate(() => document.activeElement.getAttribute('aria-label')), `Move down: ${second}`)
  const places = async () => (await w.api('GET', 'apps')).sort((a, b) => b.priority - a.priority).map((a) => a.title || a.id)
  await until('the server has it', async () => (await places())[0] === second)
  await admin.settled()
  await drag(admin.locator('[data-row]').nth(4), admin.locator('[data-row]').nth(1))
  await until('the server has it', async () => (await places())[1] === before[4])
  assert.deepEqual((await rows()).slice(0, 3), [second, before[4], before[0]])
  assert.deepEqual(await serious(admin), [])
  clean(admin)
})

test('views are moved, and their tabs with them', async () => {
  for (const title of ['One', 'Two', 'Three']) await w.api('POST', 'project/1/views', { project_id: 1, title, position: 1000 })
  await go(admin, 'project/1/views')
  await admin.getByLabel('Move up: Three').click()
  await admin.settled()
  await drag(admin.locator('tr:has-text("Three")'), admin.locator('tr:has-text("One")'))
  await until('they are moved', async () => (await w.api('GET', 'project/1/views')).sort((a, b) => a.position - b.position).map((v) => v.title).join().endsWith('Three,One,Two'))
  await go(admin, 'project/1/templates')
  assert.match((await admin.locator('.tabs a').allTextContents()).join(), /Three,One,Two$/)
  clean(admin)
})

test('questions and vault passwords are moved', async () => {
  const inventory = (await w.api('GET', 'project/1/inventory')).find((i) => !i.type.endsWith('workspace'))
  const script = (name) => ({ type: 'script', name, script: `${name}.sh` })
  const tpl = await w.api('POST', 'project/1/templates', {
    project_id: 1, name: 'Ordered', app: 'ansible', playbook: 'site.yml', repository_id: 1, inventory_id: inventory.id,
    vaults: ['a', 'b', 'c'].map(script), survey_vars: ['x', 'y'].map((name) => ({ name, title: name, type: '' })),
  })
  await go(admin, `project/1/templates/${tpl.id}/edit`)
  await admin.getByLabel('Move down: x').click()
  await admin.getByLabel('Move up: c').click()
  await admin.locator('.vaults').first().scrollIntoViewIfNeeded()
  await drag(admin.locator('.vaults').nth(1), admin.locator('.vaults').first())
  await admin.click('.form button.primary')
  await admin.waitForURL(new RegExp(`templates/${tpl.id}$`))
  const saved = await w.api('GET', `project/1/templates/${tpl.id}`)
  assert.deepEqual(saved.survey_vars.map((v) => v.name), ['y', 'x'])
  assert.deepEqual(saved.vaults.map((v) => v.name), ['c', 'a', 'b'])
  clean(admin)
})

test('a row says what uses it, also where it is not deleted for that', async () => {
  const key = await w.api('POST', 'project/1/keys', { project_id: 1, name: 'Used key', type: 'none' })
  const repository = await w.api('POST', 'project/1/repositories', { project_id: 1, name: 'Uses it', git_url: 'https://git.example.org/x.git', git_branch: 'main', ssh_key_id: key.id })
  await go(admin, `project/1/keys/${key.id}`)
  await admin.click('.uses a:has-text("Uses it")')
  await admin.waitForURL(new RegExp(`repositories/${repository.id}$`))
  await admin.waitForSelector('.uses >> text=Nothing uses it')
  await go(admin, `project/1/keys/${key.id}`)
  await admin.click('button.danger')
  await admin.click('[role=dialog] button.danger')
  await admin.waitForSelector('[role=dialog] h2:has-text("Used key is in use")')
  assert.deepEqual(await serious(admin), [])
  await admin.click('[role=dialog] a:has-text("Uses it")')
  await admin.waitForURL(new RegExp(`repositories/${repository.id}$`))
  assert.equal(await admin.locator('[role=dialog]').count(), 0)
  clean(admin)
})
