// Signing in by an OpenID provider: a small one, with all that the code flow takes.
import assert from 'node:assert/strict'
import { createHash, createSign, generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { clean, go, serious, World } from './world.mjs'

const client = { id: 'semaphore', secret: 'secret-of-the-client' }
const b64 = (v) => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url')

/** A provider with one person, whose claims and consent the test sets. */
async function provider() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const p = { person: {}, consent: true }
  const codes = new Map()
  const sign = (claims) => {
    const text = `${b64({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${b64(claims)}`
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`
  }
  const pages = {
    '/.well-known/openid-configuration': () => ({
      issuer: p.url, authorization_endpoint: p.url + '/authorize', token_endpoint: p.url + '/token', jwks_uri: p.url + '/keys', userinfo_endpoint: p.url + '/userinfo',
      id_token_signing_alg_values_supported: ['RS256'], response_types_supported: ['code'], subject_types_supported: ['public'],
    }),
    '/keys': () => ({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] }),
    '/userinfo': () => p.person,
    '/authorize': (q, res) => {
      const back = new URL(q.get('redirect_uri'))
      back.searchParams.set('state', q.get('state'))
      if (p.consent) {
        const code = randomUUID()
        codes.set(code, Object.fromEntries(q))
        back.searchParams.set('code', code)
      } else back.searchParams.set('error', 'access_denied')
      res.writeHead(302, { Location: back.href }).end()
    },
    '/token': (q, res, auth) => {
      const asked = codes.get(q.get('code'))
      codes.delete(q.get('code'))
      const [id, secret] = auth ? Buffer.from(auth.split(' ')[1], 'base64').toString().split(':') : [q.get('client_id'), q.get('client_secret')]
      const proof = createHash('sha256').update(q.get('code_verifier') ?? '').digest('base64url')
      if (!asked || id !== client.id || secret !== client.secret || proof !== asked.code_challenge) return void res.writeHead(400).end('{"error":"invalid_grant"}')
      const now = Math.floor(Date.now() / 1000)
      return { access_token: randomUUID(), token_type: 'Bearer', expires_in: 60, id_token: sign({ iss: p.url, aud: client.id, iat: now, exp: now + 60, nonce: asked.nonce, ...p.person }) }
    },
  }
  const server = createServer(async (req, res) => {
    const url = new URL(req.url, p.url)
    let body = ''
    for await (const part of req) body += part
    const reply = pages[url.pathname]?.(req.method === 'POST' ? new URLSearchParams(body) : url.searchParams, res, req.headers.authorization)
    if (reply) res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(reply))
    else if (!res.headersSent) res.writeHead(404).end()
  })
  await new Promise((r) => server.listen(0, '127.0.0.1', r))
  p.url = `http://127.0.0.1:${server.address().port}`
  p.close = () => (server.closeAllConnections(), new Promise((r) => server.close(r)))
  return p
}

let w
let idp
before(async () => {
  idp = await provider()
  const providers = { corp: { client_id: client.id, client_secret: client.secret, provider_url: idp.url, display_name: 'Corp', name_claim: 'name' } }
  w = await World.start({ SEMAPHORE_OIDC_PROVIDERS: () => JSON.stringify(providers), SEMAPHORE_WEB_ROOT: (port) => `http://127.0.0.1:${port}` })
})
after(async () => {
  await w?.stop()
  await idp?.close()
})

test('a person of the provider signs in by the button, comes back to the page, and signs out', async () => {
  Object.assign(idp, { consent: true, person: { sub: '7', preferred_username: 'nina', name: 'Nina', email: 'nina@example.org', email_verified: true } })
  const page = await w.page()
  await go(page, 'account')
  assert.deepEqual(await serious(page), [])
  await page.click('a:has-text("Corp")')
  await page.waitForURL(/\/account$/)
  assert.equal(await page.getByLabel('Name').inputValue(), 'Nina')
  assert.equal(await page.locator('text=Current password').count(), 0)
  await page.click('.nav button:has-text("Nina")')
  await page.click('[role=menuitem]:has-text("Sign out")')
  await page.waitForSelector('a:has-text("Corp")')
  await page.goto(w.base + 'account')
  await page.waitForURL(/auth\/login/)
  clean(page)
  await page.context().close()
})

test('the sign-in page says why somebody was not let in', async () => {
  const page = await w.page()
  await page.goto(w.base)
  idp.consent = false
  await page.click('a:has-text("Corp")')
  await page.waitForSelector('[role=alert]:has-text("did not let you in")')
  Object.assign(idp, { consent: true, person: { sub: '1', preferred_username: 'admin', email: 'admin@localhost', email_verified: true } })
  await page.click('a:has-text("Corp")')
  await page.waitForSelector('[role=alert]:has-text("cannot be used here")')
  assert.deepEqual(await serious(page), [])
  await page.goto(w.base + 'api/auth/oidc/corp/redirect?code=x&state=forged')
  await page.waitForSelector('[role=alert]:has-text("begun elsewhere")')
  await page.fill('input[name=username]', 'admin')
  await page.fill('input[name=password]', w.password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.frame')
  clean(page)
  await page.context().close()
})
