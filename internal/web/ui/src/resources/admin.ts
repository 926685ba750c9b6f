import { defineAsyncComponent, type Component } from 'vue'
import { t } from '../i18n'
import { nameField, roleBase, runnerBase } from './project'
import type { Resource } from './types'

const users: Resource = {
  name: 'users',
  api: () => 'users',
  bit: 0,
  search: true,
  sorts: ['username', 'name', 'email'],
  columns: [
    { key: 'username', kind: 'mono' },
    { key: 'name', label: 'person' },
    { key: 'email', wide: true },
    { key: 'state', kind: 'tag', text: (r) => [r.admin ? t('f.admin') : '', r.external ? t('f.external') : '', r.totp ? t('user.totp') : ''].filter(Boolean).join(', ') },
  ],
  moves: ['totp', 'email_otp'],
  blank: () => ({ username: '', name: '', email: '', password: '', admin: false, alert: false }),
  fields: [
    { key: 'username', required: true },
    { ...nameField, label: 'person' },
    { key: 'email', required: true },
    { key: 'password', kind: 'password', when: (_, c) => c.fresh },
    { key: 'admin', kind: 'check' },
    { key: 'alert', label: 'user_alert', kind: 'check' },
    { key: 'external', kind: 'check', when: (_, c) => c.fresh },
  ],
  extra: defineAsyncComponent(() => import('../ui/UserParts.vue')) as Component,
}

/** A runner is made with its token, or a place is kept for one that enrols itself. */
const runners: Resource = {
  ...runnerBase,
  name: 'all_runners',
  api: () => 'runners',
  bit: 0,
  kinds: () => ['token', 'enrol'].map((value) => ({ value, label: t(`runner.kind_${value}`) })),
  blank: (kind) => ({ ...runnerBase.blank(), ...(kind === 'enrol' ? { enrolment: true, expires_hours: 24 } : {}) }),
  post: (r) => (r.enrolment ? '/enrollment' : ''),
  save: (r) => {
    const { enrolment, ...rest } = r
    return enrolment ? { ...rest, inactive: !r.active } : rest
  },
  fields: [...runnerBase.fields, { key: 'expires_hours', kind: 'number', when: (r, c) => c.fresh && !!r.enrolment }],
}

export const adminResources: Resource[] = [users, { ...roleBase, name: 'all_roles', api: () => 'roles', bit: 0 }, runners]
