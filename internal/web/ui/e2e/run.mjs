// Runs the journeys, two files at a time: each has a server and a browser of its own, and mostly waits.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const files = readdirSync(here).filter((f) => f.endsWith('.test.mjs')).map((f) => here + f)
const r = spawnSync(process.execPath, ['--test', '--test-concurrency=2', '--test-reporter=spec', ...files], { stdio: 'inherit' })
process.exit(r.status ?? 1)
