import { describe, expect, it } from 'vitest'
import type { Environment, Inventory, Repository, Template } from '../src/api/schema'
import { runLine, runnable } from '../src/lib/runline'

const repository = { id: 1, project_id: 1, name: 'Ops', git_url: 'https://git.example.org/ops.git', git_branch: 'main', ssh_key_id: 1 } as Repository
const template = (more: Partial<Template>) => ({ id: 1, project_id: 1, name: 'T', repository_id: 1, permissions: null, tasks: 0, playbook: 'deploy.sh', app: 'bash', ...more }) as Template

describe('a run as a command line', () => {
  it('names script, repository and branch', () => {
    expect(runLine({ template: template({}), repository, task: {} })).toBe('semaphore run deploy.sh --repo https://git.example.org/ops.git --branch main')
  })
  it('takes a local directory in place, unless a branch is chosen', () => {
    const local = { ...repository, git_url: 'file:///srv/my ops' }
    expect(runLine({ template: template({}), repository: { ...local, git_url: '/srv/my ops' }, task: {} })).toBe("semaphore run deploy.sh --repo '/srv/my ops'")
    expect(runLine({ template: template({}), repository: local, task: { git_branch: 'x' } })).toContain("--repo '/srv/my ops' --branch x")
  })
  it('has the options, variables and vaults of a playbook, the run before the template', () => {
    const line = runLine({
      template: template({ app: 'ansible', playbook: 'site.yml', arguments: '["--forks","20"]', task_params: { limit: ['all'], tags: ['base'] }, vaults: [{ id: 1, name: 'prod', type: 'password', project_id: 1, template_id: 1 }] }),
      repository,
      inventory: { id: 7, type: 'static', inventory: '[web]\nw1' } as Inventory,
      environment: { json: '{"a":"1 2"}', env: '{"LANG":"C"}', secrets: [{ name: 'TOKEN', type: 'env' }, { name: 'pass', type: 'var' }] } as unknown as Environment,
      task: { environment: '{"b":"it\'s"}', params: { limit: ['web', 'db'], dry_run: true, debug: true, debug_level: 2 } },
    })
    expect(line).toBe(
      "printf '%s\\n' '[web]\nw1' > semaphore-inventory-7.ini\n" +
        'semaphore run site.yml --repo https://git.example.org/ops.git --branch main -i "$PWD"/semaphore-inventory-7.ini ' +
        "-e 'a=1 2' -e 'b=it'\\''s' --env LANG=C --secret-env TOKEN --secret pass " +
        '--vault-id prod@prompt --limit web --limit db --tags base --check -vv -- --forks 20',
    )
  })
  it('keeps the types of variables that are not text', () => {
    expect(runLine({ template: template({}), repository, task: { environment: '{"n":7,"x":"a"}' } })).toContain(`-e '{"n":7,"x":"a"}'`)
  })
  it('says plan, workspace and commit for Terraform', () => {
    const line = runLine({ template: template({ app: 'tofu', playbook: 'infra' }), repository, inventory: { id: 1, type: 'tofu-workspace', inventory: 'prod' } as Inventory, task: { commit_hash: 'abc123', params: { plan: true, destroy: true } } })
    expect(line).toBe('semaphore run infra --repo https://git.example.org/ops.git --app tofu --branch main --commit abc123 --workspace prod --plan --destroy')
  })
  it('names secrets and never tells them', () => {
    const line = runLine({ template: template({ survey_vars: [{ name: 'word', title: '', type: 'secret' }] }), repository, task: { secret: '{"word":"canary"}' } as object })
    expect(line).toMatch(/--secret word$/)
    expect(line).not.toContain('canary')
  })
  it('checks the keys of hosts as the project does, where hosts are reached', () => {
    const ssh = { ...repository, git_url: 'git@git.example.org:ops.git' }
    const line = (repo: Repository, hostKeys: string, more = {}) => runLine({ template: template(more), repository: repo, hostKeys, task: {} })
    expect(line(ssh, 'strict')).toBe('semaphore run deploy.sh --repo git@git.example.org:ops.git --branch main --host-keys strict')
    expect(line({ ...ssh, git_url: 'ssh://git@git.example.org/ops.git' }, 'off')).toMatch(/ --host-keys off$/)
    expect(line(repository, 'off', { app: 'ansible', playbook: 'site.yml' })).toMatch(/ --host-keys off$/)
    expect(line(ssh, 'pin') + line(repository, 'strict')).not.toContain('--host-keys')
  })
  it('cannot be hurt by hostile text', () => {
    const line = runLine({ template: template({ playbook: 'a.sh; rm -rf ~' }), repository: { ...repository, git_branch: '$(id)' }, task: { environment: '{"x":"`id`\\n"}' } })
    expect(line).toContain("'a.sh; rm -rf ~'")
    expect(line).toContain("'$(id)'")
    expect(line).toContain("-e 'x=`id`\n'")
  })
  it('is offered for the apps that the command knows', () => expect(['ansible', 'pulumi', 'mine', undefined].map(runnable)).toEqual([true, true, false, false]))
})
