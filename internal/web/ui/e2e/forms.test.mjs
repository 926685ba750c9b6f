// What people do by filling in forms, from nothing to the end.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { World } from './world.mjs'

let w
let admin
before(async () => {
  w = await World.start()
  admin = await w.page('admin', w.password)
})
after(async () => {
  if (process.env.SHOT) await admin?.screenshot({ path: process.env.SHOT })
  await w?.stop()
})

const go = async (page, path) => {
  await page.goto(w.base + path)
  await page.settled()
}
const clean = (page) => assert.deepEqual(page.wrong, [])

test('a project comes from empty to a green run by its forms alone', async () => {
  await go(admin, 'project/new')
  await admin.getByLabel('Name').fill('From empty')
  await admin.click('button:has-text("Create")')
  await admin.waitForURL(/project\/\d+\/templates$/)
  await admin.waitForSelector('.empty')
  const before = admin.url()
  await admin.click('nav >> text=Repositories')
  await admin.click('text=New repository')
  await admin.getByLabel('Name').fill('Scripts')
  await admin.getByLabel('Address').fill(join(w.dir, 'demo'))
  await admin.click('button:has-text("Create")')
  await admin.click('td >> text=Scripts')
  await admin.waitForSelector('h1:has-text("Scripts")')
  await admin.click('nav >> text=Inventories')
  await admin.click('text=New inventory')
  await admin.click('[role=menuitem]:has-text("Static (INI)")')
  await admin.getByLabel('Name').fill('Here')
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('td >> text=Here')
  await admin.click('nav >> text=Templates')
  assert.equal(admin.url(), before)
  await admin.click('text=New template')
  await admin.click('[role=menuitem]:has-text("Bash")')
  await admin.getByLabel('Name').fill('Greets')
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('.error:has-text("fill this in")')
  await admin.getByRole('textbox', { name: 'Script', exact: true }).fill('hello.sh')
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('h1:has-text("Greets")')
  await admin.click('button.primary:has-text("Run")')
  await admin.getByLabel('Message').fill('the first one')
  await admin.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await admin.click('[role=dialog] >> text=Copy as…')
  await admin.click('[role=menuitem]:has-text("semaphore run")')
  await admin.waitForSelector('.notices >> text=Copied')
  const line = await admin.evaluate(() => navigator.clipboard.readText())
  assert.equal(line, `semaphore run hello.sh --repo ${join(w.dir, 'demo')}`)
  await admin.click('[role=dialog] button.primary')
  await admin.waitForSelector('.head .status.ok:has-text("Success")')
  await admin.waitForSelector('.log >> text=hello from')
  const out = execFileSync(w.bin, [...line.split(' ').slice(1), '--data-dir', join(w.dir, 'cli')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  assert.match(out, /hello from/)
  clean(admin)
})
