import type { Component } from 'vue'
import { t, titleOf } from '../i18n'
import { session } from '../state/session'
import ArgList from '../ui/ArgList.vue'
import Branch from '../ui/Branch.vue'
import SurveyEditor from '../ui/SurveyEditor.vue'
import Vaults from '../ui/Vaults.vue'
import type { Field, Resource, Row } from './types'
import { nameField } from './project'

const ansible = (r: Row) => r.app === 'ansible'
const terraform = (r: Row) => ['terraform', 'tofu', 'terragrunt'].includes(String(r.app))
const check = (key: string, when?: Field['when']): Field => ({ key, kind: 'check', label: key.replace('task_params.', '').replace('options.', ''), when })
const kinds: Record<string, string[]> = { ansible: ['static', 'static-yaml', 'file'], terraform: ['terraform-workspace'], tofu: ['tofu-workspace'], terragrunt: ['terragrunt-workspace'] }

const fields: Field[] = [
  nameField,
  { key: 'app', kind: 'select', options: () => session.apps.filter((a) => a.active).map((a) => ({ value: a.id, label: titleOf('app', a.id, a.title) })) },
  { key: 'description' },
  { key: 'type', label: 'tpl_type', kind: 'select', options: () => ['', 'build', 'deploy'].map((value) => ({ value, label: t(`tpl.${value || 'task'}`) })) },
  { key: 'start_version', when: (r) => r.type === 'build' },
  { key: 'build_template_id', kind: 'ref', ref: 'templates', filter: (x, r) => (x.type === 'build' || x.type === 'deploy') && x.id !== r.id, when: (r) => r.type === 'deploy' },
  check('autorun', (r) => r.type === 'deploy'),
  { key: 'h_source', kind: 'heading' },
  { key: 'repository_id', kind: 'ref', ref: 'repositories', required: true },
  { key: 'git_branch', kind: 'custom', component: Branch as Component, props: (r, c) => ({ project: c.project, repository: r.repository_id ?? null }) },
  { key: 'playbook', label: 'playbook', when: (r) => ansible(r), required: true },
  { key: 'playbook', label: 'directory', when: (r) => terraform(r) },
  { key: 'playbook', label: 'script', when: (r) => !ansible(r) && !terraform(r), required: true },
  { key: 'h_with', kind: 'heading' },
  { key: 'inventory_id', kind: 'ref', ref: 'inventory', filter: (i) => kinds.ansible!.includes(String(i.type)), required: true, when: ansible },
  { key: 'inventory_id', label: 'workspace', kind: 'ref', ref: 'inventory', optional: true, filter: (i, r) => (kinds[String(r.app)] ?? []).includes(String(i.type)), when: terraform },
  { key: 'environment_id', kind: 'ref', ref: 'environment', optional: true },
  { key: 'arguments', kind: 'custom', component: ArgList as Component },
  { key: 'task_params.limit', label: 'limit', kind: 'lines', when: ansible },
  { key: 'task_params.tags', label: 'tags', kind: 'lines', when: ansible },
  { key: 'task_params.skip_tags', label: 'skip_tags', kind: 'lines', when: ansible },
  { key: 'vaults', kind: 'custom', component: Vaults as Component, rows: true, when: ansible },
  check('task_params.auto_approve', terraform),
  check('task_params.override_backend', terraform),
  { key: 'task_params.backend_filename', label: 'backend_filename', when: (r) => terraform(r) && !!(r.task_params as Row).override_backend },
  { key: 'h_ask', kind: 'heading' },
  { key: 'survey_vars', kind: 'custom', component: SurveyEditor as Component, rows: true },
  check('allow_override_args_in_task'),
  check('allow_override_branch_in_task'),
  check('task_params.allow_override_inventory', ansible),
  check('task_params.allow_override_limit', ansible),
  check('task_params.allow_override_tags', ansible),
  check('task_params.allow_override_skip_tags', ansible),
  check('task_params.allow_debug', ansible),
  check('task_params.allow_destroy', terraform),
  check('task_params.allow_auto_approve', terraform),
  { key: 'h_run', kind: 'heading' },
  { key: 'view_id', kind: 'ref', ref: 'views', optional: true, filter: (v) => v.type !== 'all' },
  { key: 'runner_tag', kind: 'select', optional: true, options: (_, c) => (c.lists.runner_tags ?? []).map((x) => ({ value: x.tag, label: String(x.tag) })) },
  check('allow_parallel_tasks'),
  check('suppress_success_alerts'),
  { key: 'options.timeout_seconds', label: 'timeout_seconds', kind: 'number' },
  { key: 'options.max_retries', label: 'max_retries', kind: 'number' },
]

export const templates: Resource = {
  name: 'templates',
  api: (p) => `project/${p}/templates`,
  bit: 4,
  rights: 'permissions',
  refs: true,
  needs: ['repositories', 'inventory', 'environment', 'keys', 'views', 'templates', 'runner_tags'],
  columns: [{ key: 'name' }],
  blank: (kind) => ({ name: '', app: kind ?? 'ansible', type: '', playbook: '', task_params: {}, survey_vars: [], vaults: [], options: {} }),
  load: (r) => ({ ...r, type: r.type ?? '', task_params: r.task_params ?? {}, survey_vars: r.survey_vars ?? [], vaults: r.vaults ?? [], options: r.options ?? {} }),
  save: (r) => {
    const { last_task, tasks, permissions, ...rest } = r
    void [last_task, tasks, permissions]
    return rest
  },
  moves: ['last_task', 'tasks', 'permissions'],
  link: (r) => `/${String(r.id)}`,
  fields,
}
