import { defineAsyncComponent, type Component } from 'vue'
import { t, titleOf } from '../i18n'
import { can, MANAGE, RUN, session } from '../state/session'
import Branch from '../ui/Branch.vue'
import CronField from '../ui/CronField.vue'
import Hidden from '../ui/Hidden.vue'
import NextRuns from '../ui/NextRuns.vue'
import KeyValues from '../ui/KeyValues.vue'
import SavedParams from '../ui/SavedParams.vue'
import ScheduleWhen from '../ui/ScheduleWhen.vue'
import VariableSecrets from '../ui/VariableSecrets.vue'
import ZoneField from '../ui/ZoneField.vue'
import type { Choice, Context, Field, Resource, Row } from './types'

const choices = (prefix: string, values: string[]): Choice[] => values.map((value) => ({ value, label: t(`${prefix}.${value || 'none'}`) }))
export const nameField: Field = { key: 'name', required: true }
export const nameOf = (c: Context, list: string, id: unknown) => String(c.lists[list]?.find((r) => r.id === id)?.name ?? '–')
const below = (path: string) => (p: number) => `project/${p}/${path}`
/** Whether the viewer's role shows what variables and inventories hold. */
const seen = () => can(RUN) || can(MANAGE)
const local = (r: Row) => /^(\/|file:)/.test(String(r.git_url ?? ''))

const keys: Resource = {
  name: 'keys',
  api: below('keys'),
  bit: 4,
  search: true,
  refs: true,
  sorts: ['name', 'type'],
  columns: [
    { key: 'name' },
    { key: 'type', text: (r) => t(`key.${String(r.type)}`) },
    { key: 'state', kind: 'tag', text: (r) => (r.empty && r.type !== 'none' ? t('key.empty') : r.source_storage_type ? t(`source.${String(r.source_storage_type)}`) : '') },
  ],
  blank: () => ({ name: '', type: 'ssh', override_secret: true, ssh: {}, login_password: {} }),
  load: (r) => ({ ...r, override_secret: false, ssh: {}, login_password: {} }),
  needs: ['secret_storages'],
  fields: [
    nameField,
    { key: 'override_secret', kind: 'check', when: (_, c) => !c.fresh },
    { key: 'type', kind: 'select', when: (r) => !!r.override_secret, options: () => choices('key', ['ssh', 'login_password', 'none']) },
    { key: 'source_storage_type', kind: 'select', optional: true, empty: 'source.here', when: (r) => !!r.override_secret && r.type !== 'none', options: () => choices('source', ['vault', 'env', 'file']) },
    { key: 'source_storage_id', kind: 'ref', ref: 'secret_storages', when: (r) => !!r.override_secret && r.source_storage_type === 'vault' },
    { key: 'source_storage_key', when: (r) => !!r.override_secret && !!r.source_storage_type },
    { key: 'ssh.login', label: 'login_optional', when: (r) => !!r.override_secret && r.type === 'ssh' && !r.source_storage_type },
    { key: 'ssh.passphrase', label: 'passphrase', kind: 'password', when: (r) => !!r.override_secret && r.type === 'ssh' && !r.source_storage_type },
    { key: 'ssh.private_key', label: 'private_key', kind: 'area', when: (r) => !!r.override_secret && r.type === 'ssh' && !r.source_storage_type },
    { key: 'login_password.login', label: 'login_optional', when: (r) => !!r.override_secret && r.type === 'login_password' && !r.source_storage_type },
    { key: 'login_password.password', label: 'password', kind: 'password', when: (r) => !!r.override_secret && r.type === 'login_password' && !r.source_storage_type },
  ],
  save: (r) => {
    if (!r.override_secret) return { id: r.id, project_id: r.project_id, name: r.name, type: r.type }
    const out = { ...r }
    if (r.type !== 'ssh' || r.source_storage_type) delete out.ssh
    if (r.type !== 'login_password' || r.source_storage_type) delete out.login_password
    return out
  },
}

const repositories: Resource = {
  name: 'repositories',
  api: below('repositories'),
  bit: 4,
  search: true,
  refs: true,
  needs: ['keys'],
  sorts: ['name', 'git_url'],
  columns: [{ key: 'name' }, { key: 'git_url', kind: 'mono' }, { key: 'git_branch', kind: 'mono', wide: true }, { key: 'ssh_key_id', text: (r, c) => nameOf(c, 'keys', r.ssh_key_id), wide: true }],
  blank: () => ({ name: '', git_url: '', git_branch: 'main' }),
  fields: [
    nameField,
    { key: 'git_url', required: true },
    { key: 'git_branch', kind: 'custom', component: Branch as Component, props: (r, c) => ({ project: c.project, repository: r.id ?? null }), when: (r) => !local(r) || String(r.git_url).startsWith('file:') },
    { key: 'ssh_key_id', kind: 'ref', ref: 'keys', required: true },
  ],
}

const inventoryKinds = ['static', 'static-yaml', 'file', 'terraform-workspace', 'tofu-workspace']
const inventory: Resource = {
  name: 'inventory',
  api: below('inventory'),
  bit: 4,
  search: true,
  refs: true,
  needs: ['keys', 'repositories', 'runner_tags'],
  kinds: () => choices('inv', inventoryKinds),
  sorts: ['name', 'type'],
  columns: [{ key: 'name' }, { key: 'type', text: (r) => t(`inv.${String(r.type)}`) }, { key: 'ssh_key_id', text: (r, c) => nameOf(c, 'keys', r.ssh_key_id), wide: true }],
  blank: (kind) => ({ name: '', type: kind ?? 'static', inventory: kind === 'file' ? '' : kind?.endsWith('workspace') ? 'default' : kind === 'static-yaml' ? 'all:\n  hosts:\n    localhost:\n      ansible_connection: local\n' : '[all]\nlocalhost ansible_connection=local\n' }),
  fields: [
    nameField,
    { key: 'inventory', kind: 'code', language: (r) => (r.type === 'static-yaml' ? 'yaml' : 'ini'), when: (r) => String(r.type).startsWith('static') && seen() },
    { key: 'inventory', kind: 'custom', component: Hidden as Component, when: (r) => String(r.type).startsWith('static') && !seen() },
    { key: 'inventory', label: 'inventory_path', when: (r) => r.type === 'file' },
    { key: 'inventory', label: 'workspace', when: (r) => String(r.type).endsWith('workspace') },
    { key: 'repository_id', label: 'inventory_repository', kind: 'ref', ref: 'repositories', optional: true, when: (r) => r.type === 'file' },
    { key: 'ssh_key_id', kind: 'ref', ref: 'keys', optional: true, when: (r) => !String(r.type).endsWith('workspace') },
    { key: 'become_key_id', kind: 'ref', ref: 'keys', optional: true, filter: (k) => k.type === 'login_password', when: (r) => !String(r.type).endsWith('workspace') },
    { key: 'runner_tag', kind: 'select', optional: true, options: (_, c) => (c.lists.runner_tags ?? []).map((x) => ({ value: x.tag, label: String(x.tag) })) },
  ],
}

const environment: Resource = {
  name: 'environment',
  api: below('environment'),
  bit: 4,
  search: true,
  refs: true,
  needs: ['secret_storages'],
  sorts: ['name'],
  columns: [{ key: 'name' }],
  blank: () => ({ name: '', json: '{}', env: '{}', secrets: [] }),
  load: (r) => ({ ...r, env: r.env ?? '{}', secrets: r.secrets ?? [] }),
  fields: [
    nameField,
    { key: 'json', kind: 'custom', component: KeyValues as Component, props: () => ({ hidden: !seen() }) },
    { key: 'env', kind: 'custom', component: KeyValues as Component, props: () => ({ hidden: !seen() }) },
    { key: 'secrets', kind: 'custom', component: VariableSecrets as Component, rows: true },
    { key: 'secret_storage_id', kind: 'ref', ref: 'secret_storages', optional: true, when: (_, c) => c.fresh && !!c.lists.secret_storages?.length },
    { key: 'secret_storage_key_prefix', when: (r, c) => c.fresh && !!r.secret_storage_id },
  ],
}

const schedule: Resource = {
  name: 'schedule',
  api: below('schedules'),
  bit: 4,
  query: 'with_commits=true',
  needs: ['templates', 'inventory', 'repositories'],
  kinds: () => choices('sched', ['', 'run_at', 'watch']),
  sorts: ['name'],
  columns: [
    { key: 'active', kind: 'switch' },
    { key: 'name' },
    { key: 'when', component: ScheduleWhen as Component },
    { key: 'tpl_name', wide: true },
    { key: 'next_run', kind: 'time', text: (r) => String((r.active && !r.repository_id && r.next_run) || '') },
  ],
  toggle: (r, active) => ({ method: 'PUT', path: `/${String(r.id)}/active`, body: { active } }),
  moves: ['next_run', 'last_run', 'last_error'],
  blank: (kind) => ({ name: '', type: kind ?? '', cron_format: kind === 'watch' ? '*/5 * * * *' : '0 4 * * *', active: true, timezone: '', delete_after_run: false, task_params: {} }),
  load: (r) => ({ ...r, type: r.repository_id ? 'watch' : r.type, overlap: r.overlap ?? '', missed: r.missed ?? '', timezone: r.timezone ?? '', task_params: r.task_params ?? {} }),
  fields: [
    nameField,
    { key: 'template_id', kind: 'ref', ref: 'templates', required: true },
    { key: 'type', kind: 'select', label: 'schedule_type', options: () => choices('sched', ['', 'run_at', 'watch']) },
    { key: 'repository_id', label: 'watch_repository', kind: 'ref', ref: 'repositories', required: true, when: (r) => r.type === 'watch' },
    { key: 'cron_format', kind: 'custom', component: CronField as Component, when: (r) => r.type !== 'run_at', props: (r) => (r.type === 'watch' ? { label: t('f.watch_cron') } : {}) },
    { key: 'timezone', kind: 'custom', component: ZoneField as Component, when: (r) => r.type !== 'run_at' },
    { key: 'run_at', kind: 'time', when: (r) => r.type === 'run_at' },
    { key: 'next_runs', kind: 'custom', component: NextRuns as Component, props: (r) => (r.type === 'watch' ? { label: t('f.next_looks') } : {}) },
    { key: 'delete_after_run', kind: 'check', when: (r) => r.type === 'run_at' },
    { key: 'active', kind: 'check', when: (r) => r.type !== 'watch' },
    { key: 'overlap', kind: 'select', options: () => choices('overlap', ['', 'skip']), when: (r) => r.type !== 'run_at' },
    { key: 'missed', kind: 'select', options: () => choices('missed', ['', 'once', 'all']), when: (r) => r.type !== 'watch' },
    { key: 'task_params', kind: 'custom', component: SavedParams as Component },
  ],
  save: (r) => (r.type === 'watch' ? { ...r, type: '' } : { ...r, repository_id: null }),
}

const integrations: Resource = {
  name: 'integrations',
  api: below('integrations'),
  bit: 4,
  search: true,
  needs: ['templates', 'keys', 'inventory'],
  sorts: ['name'],
  columns: [{ key: 'name' }, { key: 'template_id', text: (r, c) => nameOf(c, 'templates', r.template_id) }, { key: 'auth_method', text: (r) => t(`auth.${String(r.auth_method) || 'none'}`), wide: true }],
  blank: () => ({ name: '', auth_method: 'hmac', auth_header: '', searchable: false, task_params: {} }),
  load: (r) => ({ ...r, task_params: r.task_params ?? {} }),
  fields: [
    nameField,
    { key: 'template_id', kind: 'ref', ref: 'templates', required: true },
    { key: 'auth_method', kind: 'select', options: () => choices('auth', ['github', 'bitbucket', 'hmac', 'token', 'basic', '']) },
    { key: 'auth_header', when: (r) => r.auth_method === 'token' || r.auth_method === 'hmac' },
    { key: 'auth_secret_id', kind: 'ref', ref: 'keys', filter: (k) => k.type === 'login_password', when: (r) => !!r.auth_method },
    { key: 'searchable', kind: 'check' },
    { key: 'task_params', kind: 'custom', component: SavedParams as Component },
  ],
  extra: defineAsyncComponent(() => import('../ui/IntegrationParts.vue')) as Component,
  below: defineAsyncComponent(() => import('../ui/ProjectAddresses.vue')) as Component,
}

const secretStorages: Resource = {
  name: 'secret_storages',
  api: below('secret_storages'),
  bit: 4,
  refs: true,
  sorts: ['name', 'type'],
  columns: [{ key: 'name' }, { key: 'type', text: (r) => t(`storage.${String(r.type)}`) }, { key: 'readonly', kind: 'tag', text: (r) => (r.readonly ? t('f.readonly') : '') }],
  blank: () => ({ name: '', type: 'vault', params: {}, readonly: false, secret: '' }),
  load: (r) => ({ ...r, params: r.params ?? {}, secret: r.source_storage_type ? r.secret : '' }),
  fields: [
    nameField,
    { key: 'type', kind: 'select', options: () => choices('storage', ['vault', 'dvls', 'local']) },
    { key: 'params.url', label: 'url', required: true, when: (r) => r.type !== 'local' },
    { key: 'params.vault_id', label: 'vault_id', when: (r) => r.type === 'dvls' },
    { key: 'params.app_key', label: 'app_key', when: (r) => r.type === 'dvls' },
    { key: 'source_storage_type', label: 'token_source', kind: 'select', optional: true, empty: 'source.here', when: (r) => r.type !== 'local', options: () => choices('source', ['env', 'file']) },
    { key: 'secret', label: 'storage_secret', kind: 'password', when: (r) => r.type !== 'local' && !r.source_storage_type },
    { key: 'secret', label: 'source_storage_key', when: (r) => r.type !== 'local' && !!r.source_storage_type },
    { key: 'readonly', kind: 'check' },
  ],
}

const knownHosts: Resource = {
  name: 'known_hosts',
  api: below('known_hosts'),
  bit: 4,
  fixed: true,
  sorts: ['host', 'key_type', 'created'],
  columns: [{ key: 'host', kind: 'mono' }, { key: 'key_type', kind: 'mono' }, { key: 'created', kind: 'time' }],
  blank: () => ({ host: '', key: '' }),
  fields: [{ key: 'host', required: true }, { key: 'key', label: 'host_key', kind: 'area', required: true }],
}

const views: Resource = {
  name: 'views',
  api: below('views'),
  bit: 4,
  order: '/positions',
  columns: [{ key: 'title' }, { key: 'hidden', kind: 'tag', text: (r) => (r.hidden ? t('f.hidden') : '') }],
  blank: () => ({ title: '', position: 1000, sort_reverse: false, hidden: false }),
  fields: [
    { key: 'title', required: true },
    { key: 'sort_column', kind: 'select', optional: true, options: () => [{ value: 'name', label: t('f.name') }, { value: 'playbook', label: t('f.playbook') }] },
    { key: 'sort_reverse', kind: 'check' },
    { key: 'hidden', kind: 'check' },
  ],
}

/** Rights as a list of words. */
export const rights = (bits: unknown) => [1, 2, 4, 8].filter((b) => Number(bits) & b).map((b) => t(`bit.${b}`)).join(', ') || t('bit.0')
export const roleFields: Field[] = [
  nameField,
  { key: 'slug', required: true, when: (_, c) => c.fresh },
  ...[1, 4, 2, 8].map((b): Field => ({ key: `bits.${b}`, label: `bit_${b}`, kind: 'check' })),
]
export const roleBase = {
  key: 'slug',
  columns: [{ key: 'name' }, { key: 'slug', kind: 'mono' as const }, { key: 'permissions', text: (r: Row) => rights(r.permissions) }],
  fields: roleFields,
  blank: (): Row => ({ name: '', slug: '', bits: {} }),
  load: (r: Row): Row => ({ ...r, bits: Object.fromEntries([1, 2, 4, 8].map((b) => [b, !!(Number(r.permissions) & b)])) }),
  save: (r: Row): Row => {
    const { bits, ...rest } = r
    return { ...rest, permissions: Object.entries(bits as Record<string, boolean>).reduce((sum, [b, on]) => sum + (on ? Number(b) : 0), 0) }
  },
}
const roles: Resource = { ...roleBase, name: 'roles', api: below('roles'), bit: 8 }

export const runnerBase = {
  sorts: ['name', 'tag'],
  columns: [
    { key: 'active', kind: 'switch' as const },
    { key: 'name', text: (r: Row) => String(r.name || `#${String(r.id)}`) },
    { key: 'tag', kind: 'mono' as const, wide: true },
    { key: 'host', kind: 'mono' as const, wide: true, text: (r: Row) => [r.host, r.version].filter(Boolean).join(' · ') },
    { key: 'load', component: defineAsyncComponent(() => import('../ui/RunnerLoad.vue')) as Component },
    { key: 'touched', component: defineAsyncComponent(() => import('../ui/RunnerSeen.vue')) as Component },
  ],
  live: true,
  below: defineAsyncComponent(() => import('../ui/RunnerQueue.vue')) as Component,
  toggle: (r: Row, active: boolean) => ({ method: 'POST', path: `/${String(r.id)}/active`, body: { active } }),
  moves: ['touched', 'host', 'version', 'cleaning_requested', 'enroll_before', 'running', 'load'],
  blank: (): Row => ({ name: '', tag: '', webhook: '', max_parallel_tasks: 0, active: true }),
  fields: [nameField, { key: 'tag' }, { key: 'max_parallel_tasks', kind: 'number' as const }, { key: 'webhook' }, { key: 'active', kind: 'check' as const }],
  made: defineAsyncComponent(() => import('../ui/RunnerMade.vue')) as Component,
}
const runners: Resource = { ...runnerBase, name: 'runners', api: below('runners'), bit: 4 }

export const projectResources = [keys, repositories, inventory, environment, schedule, integrations, secretStorages, knownHosts, views, roles, runners]
export const appTitle = (id: unknown) => titleOf('app', String(id ?? ''), session.apps.find((a) => a.id === id)?.title ?? '')
