// Runs the journeys, with what they need or not at all.
import { spawnSync } from 'node:child_process'

const r = spawnSync(process.execPath, ['--test', '--test-reporter=spec', new URL('journeys.test.mjs', import.meta.url).pathname], { stdio: 'inherit' })
process.exit(r.status ?? 1)
