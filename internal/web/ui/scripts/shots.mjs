// Renews the pictures of docs/ by a server with a small shop to look after:
//   SEMAPHORE_BIN=../../../bin/semaphore npm run shots
// With a directory as argument they go there instead.
import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { go, until, World } from '../e2e/world.mjs'

const out = resolve(process.argv[2] ?? '../../../docs')
const debug = (msg) => `\n      ansible.builtin.debug:\n        msg: ${msg}\n`
const files = {
  'shop.yml': `- name: Take the shop out of the balancer\n  hosts: all\n  gather_facts: false\n  tasks:\n    - name: Tell the balancer${debug('draining')}    - name: Wait for open orders${debug('none left')}
- name: Install the release\n  hosts: all\n  gather_facts: false\n  tasks:\n    - name: Fetch the archive${debug('shop-2.4.1.tar.gz')}    - name: Unpack it${debug('1,204 files')}    - name: Migrate the database\n      ansible.builtin.fail:\n        msg: "relation orders_2026 is locked by the nightly report"\n`,
  'backup.sh': 'for t in customers orders stock; do echo "dump of $t"; sleep 0.1; done; echo "3 tables, 81 MB"\n',
  'report.sh': 'for i in $(seq 1 160); do printf "\\033[32mok\\033[0m  order %05d written\\n" "$i"; sleep 0.05; done\n',
}

const w = await World.start()
try {
  const demo = join(w.dir, 'demo')
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(demo, name), text)
    chmodSync(join(demo, name), 0o755)
  }
  execFileSync('git', ['-C', demo, 'add', '.'])
  execFileSync('git', ['-C', demo, '-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', 'commit', '-qm', 'Release 2.4.1'])
  await w.api('PUT', 'project/1', { ...(await w.api('GET', 'project/1')), name: 'Web shop' })

  const shop = await w.template('Deploy the shop', 'shop.yml', { app: 'ansible', inventory_id: 1, description: 'Out of the balancer, install, back again' })
  const backup = await w.template('Back up the database', 'backup.sh')
  const report = await w.template('Nightly report', 'report.sh')
  const run = async (tpl, more = {}) => (await w.api('POST', 'project/1/tasks', { template_id: tpl.id, ...more })).id
  const stands = (id) => until(`task ${id} stands`, async () => ['success', 'error', 'waiting_confirmation'].includes((await w.api('GET', `project/1/tasks/${id}`)).status), 60_000)
  const through = async (tpl, more) => {
    const id = await run(tpl, more)
    await stands(id)
    return id
  }
  const given = await w.api('GET', 'project/1/templates')
  for (let i = 0; i < 6; i++) await through(backup)
  const ids = {}
  for (const tpl of given) ids[tpl.app] = await through(tpl)
  await through(report)
  const failed = await through(shop, { message: 'release 2.4.1' })
  await through(report)
  for (const [name, cron_format, tpl] of [['Nightly report', '30 2 * * *', report], ['Backup', '0 */6 * * *', backup], ['Weekly release', '0 9 * * 2', shop]]) {
    await w.api('POST', 'project/1/schedules', { project_id: 1, template_id: tpl.id, name, cron_format, active: true })
  }
  const live = await run(report)
  await run(report)

  const shoot = async (name, theme, path, ready, viewport = { width: 1120, height: 640 }) => {
    const page = await w.page('admin', w.password, { colorScheme: theme, locale: 'en-GB', viewport })
    await go(page, path)
    await page.waitForSelector(ready)
    await page.settled()
    await page.screenshot({ path: join(out, `ui-${name}.png`) })
    await page.context().close()
  }
  await shoot('live', 'dark', `project/1/tasks/${live}`, '.log .line >> nth=20', { width: 390, height: 640 })
  await shoot('templates', 'dark', 'project/1/templates', '.recent')
  await shoot('history', 'light', 'project/1/history', '.tasks')
  await shoot('task', 'light', `project/1/tasks/${failed}`, '.log .line')
  await shoot('calendar', 'light', 'project/1/calendar?view=week', '.cal')
  if (ids.terraform) await shoot('plan', 'dark', `project/1/tasks/${ids.terraform}`, '.log .line')
} finally {
  await w.stop()
}
