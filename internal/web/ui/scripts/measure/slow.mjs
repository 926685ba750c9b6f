// The first visit over a slow connection: when something is seen, and when the
// page can be used.

const KBIT = 1000 / 8
const slow = { offline: false, latency: 400, downloadThroughput: 400 * KBIT, uploadThroughput: 400 * KBIT }

/** Opens an address in an empty cache, with what a browser kept of its visits before. */
export async function measureSlow(w, state, path, ready, tell) {
  const context = await w.browser.newContext({ storageState: state, viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  const net = await context.newCDPSession(page)
  await net.send('Network.enable')
  await net.send('Network.emulateNetworkConditions', slow)
  await page.goto(w.base + path, { waitUntil: 'commit' })
  await page.waitForSelector(ready, { timeout: 60_000 })
  const { paint, usable } = await page.evaluate(() => ({ paint: performance.getEntriesByName('first-contentful-paint')[0].startTime, usable: performance.now() }))
  tell('400 kbit/s and 400 ms away: first paint', paint, 'ms ', 2500)
  tell('the same: templates can be used', usable, 'ms ', 12_000)
  await context.close()
}
