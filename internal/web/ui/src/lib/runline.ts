import type { Environment, Inventory, Repository, Template } from '../api/schema'
import { object } from './path'
import { quote } from './shell'

/** What a run is made of, as far as its reader may see it. */
export interface Run {
  template: Template
  repository: Repository
  inventory?: Inventory
  environment?: Environment
  /** How the project checks the keys of hosts. What the command does by itself where it is not said. */
  hostKeys?: string
  /** What the run itself decides: the body of a request for a task, or a task. */
  task: { environment?: string; arguments?: string | null; git_branch?: string | null; commit_hash?: string | null; params?: unknown }
}

const known = ['ansible', 'terraform', 'tofu', 'terragrunt', 'bash', 'python', 'powershell', 'pulumi']
const guessed: Record<string, RegExp> = { ansible: /\.ya?ml$/, bash: /\.sh$/, python: /\.py$/, powershell: /\.ps1$/ }

/** Addresses that are reached by ssh: ssh://host/path, git@host:path. */
const bySSH = /^(ssh|git\+ssh):|^[^/:@]+@[^/:]+:/

/** Tells whether the command line knows the app. What an administrator's own app runs is configured on the server alone. */
export const runnable = (app?: string) => known.includes(app ?? '')

/** The variables as -e takes them: one by one, or as JSON where they are not all text. */
function variables(vars: Record<string, unknown>): string[] {
  const all = Object.entries(vars)
  if (!all.length) return []
  if (all.every(([k, v]) => /^\w+$/.test(k) && typeof v === 'string')) return all.flatMap(([k, v]) => ['-e', `${k}=${String(v)}`])
  return ['-e', JSON.stringify(vars)]
}

/** Repeats a flag, with what the run chose or else the template. */
function each(flag: string, ...lists: unknown[]): string[] {
  const list = lists.find((l) => Array.isArray(l) && l.length) as string[] | undefined
  return (list ?? []).flatMap((v) => [flag, v])
}

/** The options of the tool. A run overrides what its template says. */
function options(app: string, own: Record<string, unknown>, tpl: Record<string, unknown>): string[] {
  const on = (flag: string, ...keys: string[]) => (keys.some((k) => own[k] || (k === 'auto_approve' && tpl[k])) ? [flag] : [])
  if (app === 'ansible')
    return [
      ...each('--limit', own.limit, tpl.limit), ...each('--tags', own.tags, tpl.tags), ...each('--skip-tags', own.skip_tags, tpl.skip_tags),
      ...on('--check', 'dry_run'), ...on('--diff', 'diff'), ...(own.debug ? ['-' + 'v'.repeat(Number(own.debug_level) || 4)] : []),
    ]
  if (['terraform', 'tofu', 'terragrunt'].includes(app))
    return [...on('--plan', 'plan'), ...on('--destroy', 'destroy'), ...on('--auto-approve', 'auto_approve'), ...on('--upgrade', 'upgrade'), ...on('--reconfigure', 'reconfigure')]
  return []
}

function list(text?: string | null): string[] {
  try {
    const v: unknown = JSON.parse(text || '[]')
    return Array.isArray(v) ? v.map(String) : []
  } catch {
    return []
  }
}

/**
 * A run as a command line for `semaphore run`. Secrets are named, never told:
 * they come from the caller's environment or are asked for. Keys stay where
 * they are, so that the caller's own reach the repository and the hosts.
 */
export function runLine({ template: t, repository: repo, inventory: inv, environment: env, hostKeys, task }: Run): string {
  const app = t.app ?? ''
  let file = '' // of the shell's directory, with the text of the inventory
  const tpl = (t.task_params ?? {}) as Record<string, unknown>
  const words = ['semaphore', 'run']
  if (t.playbook) words.push(t.playbook.replace(/^-/, './-'))
  words.push('--repo', repo.git_url.replace(/^file:\/\//, ''))
  if (!guessed[app]?.test(t.playbook)) words.push('--app', app)
  const inPlace = repo.git_url.startsWith('/')
  const branch = task.git_branch || t.git_branch || (inPlace ? '' : repo.git_branch)
  if (branch) words.push('--branch', branch)
  if (task.commit_hash) words.push('--commit', task.commit_hash)
  if (hostKeys && hostKeys !== 'pin' && (app === 'ansible' || bySSH.test(repo.git_url))) words.push('--host-keys', hostKeys)
  if (inv?.type.endsWith('workspace')) words.push('--workspace', inv.inventory)
  else if (app === 'ansible' && inv) {
    file = inv.type === 'file' ? '' : `semaphore-inventory-${inv.id}.${inv.type === 'static-yaml' ? 'yml' : 'ini'}`
    words.push('-i', file || inv.inventory)
  }
  words.push(...variables({ ...object(env?.json), ...object(task.environment) }))
  for (const [k, v] of Object.entries(object(env?.env))) words.push('--env', `${k}=${String(v)}`)
  for (const s of env?.secrets ?? []) words.push(s.type === 'env' ? '--secret-env' : '--secret', s.name)
  for (const v of t.survey_vars ?? []) if (v.type === 'secret') words.push('--secret', v.name)
  for (const v of t.vaults ?? []) words.push('--vault-id', v.type === 'script' && v.script ? `${v.name ? v.name + '@' : ''}${v.script}` : `${v.name ? v.name + '@' : ''}prompt`)
  words.push(...options(app, (task.params ?? {}) as Record<string, unknown>, tpl))
  if (t.options?.timeout_seconds) words.push('--timeout', `${t.options.timeout_seconds}s`)
  const args = list(task.arguments || t.arguments)
  if (args.length) words.push('--', ...args)
  const line = words.map((w) => (file && w === file ? `"$PWD"/${w}` : quote(w))).join(' ')
  return file ? `printf '%s\\n' ${quote(inv!.inventory.trimEnd())} > ${file}\n${line}` : line
}
