// Prints what the page weighs, how soon it can be used, how soon a printed line
// is seen, and how long logs behave. SEMAPHORE_BIN names the server, as for the journeys.
import { World } from '../e2e/world.mjs'
import { measureFlow, measureLog } from './measure/log.mjs'
import { measureSlow } from './measure/slow.mjs'

const limits = { weight: 250, ready: 1000, line: 300 }
const w = await World.start()
const failed = []
/** A limit below zero is the least. */
const tell = (what, value, unit, limit) => {
  console.log(`${what.padEnd(48)} ${String(Math.round(value)).padStart(6)} ${unit}   at ${limit < 0 ? 'least' : 'most'} ${Math.abs(limit)}`)
  if (limit < 0 ? value < -limit : value > limit) failed.push(what)
}
const at = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))]

try {
  const admin = await w.page('admin', w.password)
  const state = await admin.context().storageState()
  const ready = []
  for (let i = 0; i < 5; i++) {
    const context = await w.browser.newContext({ storageState: state, viewport: { width: 1280, height: 800 } })
    const page = await context.newPage()
    const net = await context.newCDPSession(page)
    let bytes = 0
    await net.send('Network.enable')
    net.on('Network.loadingFinished', (e) => (bytes += e.encodedDataLength))
    await page.goto(w.base + 'project/1/templates', { waitUntil: 'commit' })
    await page.waitForSelector('.tpls button:enabled')
    ready.push(await page.evaluate(() => performance.now()))
    await page.waitForLoadState('networkidle')
    if (!i) tell('first load of the templates, compressed', bytes / 1024, 'KiB', limits.weight)
    await context.close()
  }
  tell('templates can be used, median of 5 empty caches', at(ready, 0.5), 'ms ', limits.ready)
  await measureSlow(w, state, 'project/1/templates', '.tpls button:enabled', tell)

  const tpl = await w.template('Clock', 'clock.sh')
  const task = await w.api('POST', 'project/1/tasks', { template_id: tpl.id })
  await admin.goto(`${w.base}project/1/tasks/${task.id}`)
  await admin.waitForSelector('.log .line')
  await admin.evaluate(() => {
    window.delays = new Map()
    const look = () => {
      for (const row of document.querySelectorAll('.log .line .text')) {
        const time = /^at (\d+)$/.exec(row.textContent)?.[1]
        if (time && !window.delays.has(time)) window.delays.set(time, Date.now() - Number(time))
      }
    }
    look()
    window.delays = new Map([...window.delays.keys()].map((k) => [k, null])) // there before the page was
    new MutationObserver(look).observe(document.querySelector('.log'), { childList: true, subtree: true, characterData: true })
  })
  await admin.waitForSelector('.head .status.ok', { timeout: 30_000 })
  const delays = (await admin.evaluate(() => [...window.delays.values()])).filter((d) => d !== null)
  if (delays.length < 20) throw new Error(`only ${delays.length} lines came live`)
  tell(`from print to page, median of ${delays.length} lines`, at(delays, 0.5), 'ms ', limits.line)
  tell('from print to page, 95 of 100 lines', at(delays, 0.95), 'ms ', limits.line)
  await measureLog(w, admin, tell)
  await measureFlow(w, admin, tell)
} finally {
  await w.stop()
}
if (failed.length) {
  console.error(`over the limit: ${failed.join('; ')}`)
  process.exit(1)
}
