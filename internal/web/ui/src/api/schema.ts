// Made by scripts/types.mjs from /api/openapi.json. Change the server instead.

export interface APIToken {
  created: string
  expired: boolean
  expires?: string | null
  id: string
  name: string
  scopes: string[]
  user_id: number
}

export interface Accepted {
  project_id: number
}

export interface Access {
  permissions: number
  role: string
}

export interface AccessKey {
  empty?: boolean
  id: number
  login_password: LoginPassword
  name: string
  override_secret?: boolean
  owner?: string
  plain?: string | null
  project_id: number
  source_storage_id?: number | null
  source_storage_key?: string | null
  source_storage_type?: string | null
  ssh: SSHKey
  string: string
  type: string
}

export interface ActiveInput {
  active?: boolean
}

export interface ActiveTask {
  created: string
  location: string
  project_id: number
  project_name: string | null
  runner_id: number | null
  runner_name: string | null
  runner_tag: string
  start: string | null
  status: "waiting" | "starting" | "running" | "waiting_confirmation" | "confirmed" | "rejected" | "stopping" | "stopped" | "success" | "error"
  task_id: number
  template_id: number
  template_name: string
  username: string | null
}

export interface AnsibleError {
  created: string
  error: string
  host: string
  id: number
  line: number
  project_id: number
  task: string
  task_id: number
}

export interface AnsibleHost {
  changed: number
  created: string
  failed: number
  host: string
  id: number
  ignored: number
  ok: number
  project_id: number
  rescued: number
  skipped: number
  task_id: number
  unreachable: number
}

export interface AnswerInput {
  id?: number
  token?: string
}

export interface App {
  active: boolean
  args: string[]
  color: string
  dark_color: string
  icon: string
  id: string
  path: string
  priority: number
  title: string
}

export interface AppInput {
  active?: boolean
  args?: string[]
  color?: string
  dark_color?: string
  icon?: string
  id?: string
  path?: string
  priority?: number
  title?: string
}

export interface AuthMethods {
  email?: Record<string, unknown> | null
  totp?: TotpMethod | null
}

export interface Calendar {
  partial: boolean
  runs: CalendarRun[]
}

export interface CalendarRun {
  count: number
  date: string
  every_seconds?: number
  first: string
  last: string
  more?: boolean
  name: string
  schedule_id: number
  statuses?: Record<string, number>
  task_id?: number
  template_id: number
  tpl_name: string
}

export interface CronInput {
  cron_format?: string
  id?: number
  n?: number
  run_at?: string | null
  timezone?: string
  type?: string
}

export interface Delivery {
  alias: string
  body: string | null
  body_size: number
  delivery_id: string
  failed: boolean
  header: Record<string, string[]>
  id: number
  integrations: number[]
  method: string
  outcome: string
  project_id: number
  repeat: boolean
  status: number
  tasks: number[]
  time: string
}

export interface DescriptionInput {
  description?: string | null
}

export interface Drain {
  draining: boolean
}

export interface DrainInput {
  drain?: boolean | null
}

export interface EmailOTP {
  created: string
  id: number
  user_id: number
}

export interface Enrollment {
  active: boolean
  cleaning_requested?: string | null
  enroll_before?: string | null
  host?: string
  id: number
  max_parallel_tasks: number
  name: string
  project_id: number | null
  tag: string
  token: string
  touched?: string | null
  version?: string
  webhook: string
}

export interface EnrollmentInput {
  expires_hours?: number
  inactive?: boolean
  max_parallel_tasks?: number
  name?: string
  project_id?: number | null
  tag?: string
  webhook?: string
}

export interface Environment {
  env: string | null
  id: number
  json: string
  name: string
  password: string | null
  project_id: number
  secret_storage_id?: number | null
  secret_storage_key_prefix?: string | null
  secrets?: EnvironmentSecret[]
}

export interface EnvironmentInput {
  env?: string | null
  id?: number
  json?: string
  name?: string
  project_id?: number
  secret_storage_id?: number | null
  secret_storage_key_prefix?: string | null
  secrets?: VariableSecretInput[]
}

export interface EnvironmentSecret {
  id: number
  name: string
  operation: string
  secret: string
  type: string
}

export interface Event {
  created: string
  description: string
  integration_id: number | null
  object_id: number | null
  object_name: string
  object_type: string
  project_id: number | null
  project_name?: string | null
  user_id: number | null
  username?: string | null
}

export interface ExtractorInput {
  body_data_type?: string
  id?: number
  integration_id?: number
  key?: string
  name?: string
  project_id?: number
  value_source?: string
  variable?: string
  variable_type?: string
}

export interface Failure {
  error: string
  inUse?: boolean
}

export interface Forecast {
  next: string[]
  timezone: string
}

export interface Health {
  database: string
  draining?: boolean
  error?: string
  pool: string
  status: string
}

export interface Info {
  ansible: string
  auth_methods: AuthMethods
  git_client: string
  nodes?: Node[]
  premium_features: Premium
  roles: Role[]
  schedule_timezone: string
  teams: Teams
  use_remote_runner: boolean
  version: string
  web_host: string
}

export interface Integration {
  auth_header: string
  auth_method: string
  auth_secret_id: number | null
  id: number
  name: string
  project_id: number
  searchable: boolean
  task_params?: TaskParams | null
  template_id: number
}

export interface IntegrationAlias {
  id: number
  url: string
}

export interface IntegrationExtractor {
  body_data_type: string
  id: number
  integration_id: number
  key: string
  name: string
  value_source: string
  variable: string
  variable_type: string
}

export interface IntegrationInput {
  auth_header?: string
  auth_method?: string
  auth_secret_id?: number | null
  id?: number
  name?: string
  project_id?: number
  searchable?: boolean
  task_params?: SavedParamsInput | null
  template_id?: number
}

export interface IntegrationMatcher {
  body_data_type: string
  id: number
  integration_id: number
  key: string
  match_type: string
  method: string
  name: string
  value: string
}

export interface IntegrationRefs {
  matchers: Referrer[]
  values: Referrer[]
}

export interface Inventory {
  become_key_id: number | null
  host_keys?: string
  id: number
  inventory: string
  name: string
  project_id: number
  repository_id: number | null
  runner_tag?: string | null
  ssh_key_id: number | null
  template_id: number | null
  type: string
}

export interface InventoryInput {
  become_key_id?: number | null
  host_keys?: string | null
  id?: number
  inventory?: string
  name?: string
  project_id?: number
  repository_id?: number | null
  runner_tag?: string | null
  ssh_key_id?: number | null
  template_id?: number | null
  type?: string
}

export interface Invite {
  accepted_at?: string | null
  created: string
  created_at: string
  email?: string | null
  expires_at?: string | null
  id: number
  inviter_user?: MinimalUser | null
  inviter_user_id: number
  project_id: number
  project_name?: string | null
  role: string
  status: string
  url?: string
  user?: MinimalUser | null
  user_id?: number | null
}

export interface InviteInput {
  email?: string | null
  id?: number
  project_id?: number
  role?: string
  user_id?: number | null
}

export interface KeyInput {
  id?: number
  login_password?: LoginPasswordInput
  name?: string
  override_secret?: boolean
  project_id?: number
  source_storage_id?: number | null
  source_storage_key?: string | null
  source_storage_type?: string | null
  ssh?: SSHKeyInput
  string?: string
  type?: string
}

export interface KnownHost {
  created: string
  host: string
  id: number
  key: string
  key_type: string
  project_id: number
  task_id?: number | null
}

export interface KnownHostInput {
  host?: string
  id?: number
  key?: string
  project_id?: number
}

export interface LoginForm {
  auth_methods: AuthMethods
  login_with_password: boolean
  oidc_providers: Provider[]
}

export interface LoginInput {
  auth?: string
  password?: string
}

export interface LoginPassword {
  login: string
  password: string
}

export interface LoginPasswordInput {
  login?: string
  password?: string
}

export interface MatcherInput {
  body_data_type?: string
  id?: number
  integration_id?: number
  key?: string
  match_type?: string
  method?: string
  name?: string
  project_id?: number
  value?: string
}

export interface Member {
  admin: boolean
  alert: boolean
  created: string
  email: string
  email_otp?: EmailOTP | null
  external: boolean
  id: number
  name: string
  pro: boolean
  role: string
  totp?: TOTP | null
  username: string
}

export interface MemberInput {
  role?: string
  user_id?: number
}

export interface MemberItem {
  id: number
  name: string
  role: string
  username: string
}

export interface MinimalUser {
  id: number
  name: string
  username: string
}

export interface NamedSchedule {
  active: boolean
  created?: string
  cron_format: string
  delete_after_run: boolean
  id: number
  last_error?: string
  last_run?: string | null
  missed?: string
  missed_seconds?: number
  name: string
  next_run?: string | null
  overlap?: string
  project_id: number
  repository_id: number | null
  run_at?: string | null
  task_params?: TaskParams | null
  template_id: number
  timezone?: string
  tpl_name: string
  type: string
}

export interface NewRunner {
  active: boolean
  cleaning_requested?: string | null
  enroll_before?: string | null
  host?: string
  id: number
  max_parallel_tasks: number
  name: string
  private_key: string
  project_id: number | null
  tag: string
  token: string
  touched?: string | null
  version?: string
  webhook: string
}

export interface NewTOTP {
  active: boolean
  created: string
  id: number
  recovery_code?: string
  url: string
  user_id: number
}

export interface NewTokenInput {
  expires?: string | null
  name?: string
  scopes?: string[]
}

export interface Node {
  alive: boolean
  draining?: boolean
  host: string
  id: string
  seen: string
  started: string
  version: string
}

export interface Option {
  key: string
  value: string
}

export interface OptionInput {
  key?: string
  value?: string
}

export interface OutputLine {
  id: number
  output: string
  stage_id: number | null
  task_id: number
  time: string
}

export interface PartRefs {
  integrations: Referrer[]
}

export interface PasscodeInput {
  passcode?: string
}

export interface PasswordInput {
  current_password?: string | null
  password?: string
}

export interface PermInput {
  id?: number
  permissions?: number
  project_id?: number
  role_slug?: string
}

export interface Place {
  explanation: string
  position: number
  reason: string
  status: "waiting" | "starting" | "running" | "waiting_confirmation" | "confirmed" | "rejected" | "stopping" | "stopped" | "success" | "error"
  task_id: number
  tasks: number[]
}

export interface Premium {
  project_runners: boolean
  secret_storages: boolean
  task_summary: boolean
  terraform_backend: boolean
}

export interface Project {
  alert?: boolean
  alert_chat?: string | null
  created: string
  default_secret_storage_id?: number | null
  host_keys?: string
  id: number
  max_parallel_tasks?: number
  max_seconds?: number
  name: string
  retention?: Retention
  type: string
}

export interface ProjectInput {
  alert?: boolean
  alert_chat?: string | null
  default_secret_storage_id?: number | null
  demo?: boolean
  host_keys?: string | null
  id?: number
  max_parallel_tasks?: number
  max_seconds?: number | null
  name?: string
  retention?: RetentionInput | null
  type?: string
}

export interface Provider {
  color: string
  icon: string
  id: string
  name: string
}

export interface RecentTask {
  created: string
  end: string | null
  id: number
  start: string | null
  status: "waiting" | "starting" | "running" | "waiting_confirmation" | "confirmed" | "rejected" | "stopping" | "stopped" | "success" | "error"
  version: string | null
}

export interface RecentTasks {
  tasks: RecentTask[]
  template_id: number
}

export interface RecoveryInput {
  recovery_code?: string
}

export interface References {
  access_keys: Referrer[]
  integrations: Referrer[]
  inventories: Referrer[]
  repositories: Referrer[]
  schedules: Referrer[]
  templates: Referrer[]
}

export interface Referrer {
  id: number
  kind?: string
  name: string
}

export interface RefreshInput {
  refresh_token?: string
}

export interface Registration {
  token: string
}

export interface RegistrationInput {
  max_parallel_tasks?: number
  name?: string
  nonce?: string
  public_key?: string
  registration_token?: string
  webhook?: string
}

export interface Replay {
  outcome: string
  tasks: number[]
}

export interface Repository {
  git_branch: string
  git_url: string
  id: number
  name: string
  project_id: number
  ssh_key_id: number
}

export interface RepositoryInput {
  git_branch?: string
  git_url?: string
  id?: number
  name?: string
  project_id?: number
  ssh_key_id?: number
}

export interface Restore {
  alert?: boolean
  alert_chat?: string | null
  created: string
  default_secret_storage_id?: number | null
  host_keys?: string
  id: number
  max_parallel_tasks?: number
  max_seconds?: number
  name: string
  restore: RestoreReport
  retention?: Retention
  type: string
}

export interface RestoreReport {
  aliases: RestoredAlias[]
  keys: RestoredKey[]
  notes: string[]
  renamed: RestoredName[]
}

export interface RestoredAlias {
  integration?: string
  new: string
  old: string
}

export interface RestoredKey {
  name: string
  of?: string
  type: string
}

export interface RestoredName {
  kind: string
  new: string
  old: string
}

export interface Retention {
  bytes?: number
  days?: number
  tasks?: number
}

export interface RetentionInput {
  bytes?: number
  days?: number
  tasks?: number
}

export interface RetryInput {
  secret?: string
}

export interface Role {
  name: string
  permissions: number
  project_id?: number | null
  slug: string
}

export interface RoleInput {
  name?: string
  permissions?: number
  project_id?: number
  slug?: string
}

export interface Runner {
  active: boolean
  cleaning_requested?: string | null
  enroll_before?: string | null
  host?: string
  id: number
  max_parallel_tasks: number
  name: string
  project_id: number | null
  tag: string
  touched?: string | null
  version?: string
  webhook: string
}

export interface RunnerInput {
  active?: boolean
  id?: number
  max_parallel_tasks?: number
  name?: string
  project_id?: number
  public_key?: string
  tag?: string
  webhook?: string
}

export interface RunnerTag {
  number_of_runners: number
  tag: string
}

export interface SSHKey {
  login: string
  passphrase: string
  private_key: string
}

export interface SSHKeyInput {
  login?: string
  passphrase?: string
  private_key?: string
}

export interface SavedParamsInput {
  arguments?: string | null
  environment?: string
  git_branch?: string | null
  inventory_id?: number | null
  message?: string
  params?: unknown
  secret?: string
  secret_keep?: string[]
  version?: string | null
}

export interface Schedule {
  active: boolean
  created?: string
  cron_format: string
  delete_after_run: boolean
  id: number
  last_error?: string
  last_run?: string | null
  missed?: string
  missed_seconds?: number
  name: string
  next_run?: string | null
  overlap?: string
  project_id: number
  repository_id: number | null
  run_at?: string | null
  task_params?: TaskParams | null
  template_id: number
  timezone?: string
  type: string
}

export interface ScheduleInput {
  active?: boolean
  cron_format?: string
  delete_after_run?: boolean
  id?: number
  missed?: string | null
  missed_seconds?: number | null
  name?: string
  overlap?: string | null
  project_id?: number
  repository_id?: number | null
  run_at?: string | null
  task_params?: SavedParamsInput | null
  template_id?: number
  timezone?: string | null
  type?: string
}

export interface SecretStorage {
  id: number
  name: string
  params: unknown
  project_id: number
  readonly: boolean
  secret?: string
  source_storage_type?: string | null
  type: string
}

export interface Self {
  admin: boolean
  alert: boolean
  can_create_project: boolean
  created: string
  email: string
  email_otp?: Record<string, unknown> | null
  external: boolean
  has_active_subscription: boolean
  id: number
  name: string
  pro: boolean
  totp?: Totp | null
  username: string
}

export interface Session {
  created: string
  current: boolean
  expired: boolean
  id: number
  ip: string
  last_active: string
  user_agent: string
  user_id: number
  verification_method: number
  verified: boolean
}

export interface ShownTask {
  arguments?: string | null
  attempt?: number
  build_task_id?: number | null
  command?: unknown
  commit_hash?: string | null
  commit_message?: string
  created: string
  end: string | null
  environment?: string
  exit_code?: number
  fire_time?: string | null
  git_branch?: string | null
  id: number
  integration_id: number | null
  integration_name: string | null
  inventory_id?: number | null
  inventory_name: string | null
  late?: boolean
  limit: string
  log_bytes?: number
  log_lines?: number
  message?: string
  params?: unknown
  plan?: unknown
  playbook: string
  project_id: number
  prompt?: string
  reason?: string
  runner_id?: number | null
  runner_name: string | null
  runner_tag?: string
  schedule_id: number | null
  schedule_name: string | null
  secret?: string
  start: string | null
  status: "waiting" | "starting" | "running" | "waiting_confirmation" | "confirmed" | "rejected" | "stopping" | "stopped" | "success" | "error"
  template_id: number
  unreachable?: boolean
  user_id: number | null
  user_name: string | null
  version?: string | null
}

export interface Stage {
  end?: string | null
  end_output_id: number
  id: number
  name?: string
  number: number
  result?: unknown
  start?: string | null
  start_output_id: number
  task_id: number
  type: string
}

export interface StateAlias {
  alias: string
  auth_key_id: number
  inventory_id: number
  project_id: number
  url: string
}

export interface StateAliasInput {
  auth_key_id?: number
  id?: number
  inventory_id?: number
  project_id?: number
}

export interface StateVersion {
  created: string
  id: number
  inventory_id: number
  lineage: string
  project_id: number
  serial: number
  state?: string
  task_id?: number | null
}

export interface StopInput {
  force?: boolean
}

export interface StorageInput {
  id?: number
  name?: string
  params?: unknown
  project_id?: number
  readonly?: boolean
  secret?: string
  source_storage_type?: string | null
  type?: string
}

export interface SurveyValue {
  name: string
  value: string
}

export interface SurveyValueInput {
  name?: string
  value?: string
}

export interface SurveyVar {
  default_value?: string
  description?: string
  name: string
  required?: boolean
  title: string
  type?: string
  values?: SurveyValue[]
}

export interface SurveyVarInput {
  default_value?: string
  description?: string
  name?: string
  required?: boolean
  title?: string
  type?: string
  values?: SurveyValueInput[]
}

export interface SwitchInput {
  active?: boolean | null
}

export interface TOTP {
  active: boolean
  created: string
  id: number
  recovery_code?: string
  url: string
  user_id: number
}

export interface Task {
  arguments?: string | null
  attempt?: number
  build_task_id?: number | null
  command?: unknown
  commit_hash?: string | null
  commit_message?: string
  created: string
  end: string | null
  environment?: string
  exit_code?: number
  fire_time?: string | null
  git_branch?: string | null
  id: number
  integration_id: number | null
  inventory_id?: number | null
  late?: boolean
  limit: string
  log_bytes?: number
  log_lines?: number
  message?: string
  params?: unknown
  plan?: unknown
  playbook: string
  project_id: number
  prompt?: string
  reason?: string
  runner_id?: number | null
  runner_tag?: string
  schedule_id: number | null
  secret?: string
  start: string | null
  status: "waiting" | "starting" | "running" | "waiting_confirmation" | "confirmed" | "rejected" | "stopping" | "stopped" | "success" | "error"
  template_id: number
  unreachable?: boolean
  user_id: number | null
  version?: string | null
}

export interface TaskInput {
  arguments?: string | null
  build_task_id?: number | null
  commit_hash?: string | null
  environment?: string
  git_branch?: string | null
  id?: number
  inventory_id?: number | null
  limit?: string
  message?: string
  params?: unknown
  playbook?: string
  project_id?: number
  secret?: string
  template_id?: number
}

export interface TaskParams {
  arguments?: string | null
  environment?: string
  git_branch?: string | null
  inventory_id?: number | null
  message?: string
  params?: unknown
  secret?: string
  secret_names?: string[]
  version?: string | null
}

export interface TaskStat {
  avg_duration: number
  count_by_status: Record<string, number>
  date: string
}

export interface TaskWithTemplate {
  arguments?: string | null
  attempt?: number
  build_task?: Task | null
  build_task_id?: number | null
  command?: unknown
  commit_hash?: string | null
  commit_message?: string
  created: string
  end: string | null
  environment?: string
  exit_code?: number
  fire_time?: string | null
  git_branch?: string | null
  id: number
  integration_id: number | null
  inventory_id?: number | null
  late?: boolean
  limit: string
  log_bytes?: number
  log_lines?: number
  message?: string
  params?: unknown
  plan?: unknown
  playbook: string
  project_id: number
  prompt?: string
  reason?: string
  runner_id?: number | null
  runner_tag?: string
  schedule_id: number | null
  secret?: string
  start: string | null
  status: "waiting" | "starting" | "running" | "waiting_confirmation" | "confirmed" | "rejected" | "stopping" | "stopped" | "success" | "error"
  template_id: number
  tpl_alias: string
  tpl_app?: string
  tpl_playbook: string
  tpl_type?: string
  unreachable?: boolean
  user_id: number | null
  user_name?: string | null
  version?: string | null
}

export interface Teams {
  invite_type: string
  invites_enabled: boolean
  members_can_leave: boolean
}

export interface Template {
  allow_override_args_in_task?: boolean
  allow_override_branch_in_task?: boolean
  allow_parallel_tasks?: boolean
  app?: string
  arguments?: string | null
  autorun?: boolean
  build_template_id?: number | null
  description?: string | null
  environment_id?: number | null
  git_branch?: string | null
  id: number
  inventory_id?: number | null
  last_task?: TaskWithTemplate | null
  name: string
  options?: TemplateOptions
  permissions: number | null
  playbook: string
  project_id: number
  repository_id: number
  runner_tag?: string | null
  start_version?: string | null
  suppress_success_alerts?: boolean
  survey_vars?: SurveyVar[]
  task_params?: unknown
  tasks: number
  type?: string
  vaults?: TemplateVault[]
  view_id?: number | null
}

export interface TemplateInput {
  allow_override_args_in_task?: boolean
  allow_override_branch_in_task?: boolean
  allow_parallel_tasks?: boolean
  app?: string
  arguments?: string | null
  autorun?: boolean
  build_template_id?: number | null
  description?: string | null
  environment_id?: number | null
  git_branch?: string | null
  id?: number
  inventory_id?: number | null
  name?: string
  options?: TemplateOptionsInput | null
  playbook?: string
  project_id?: number
  repository_id?: number
  runner_tag?: string | null
  start_version?: string | null
  suppress_success_alerts?: boolean
  survey_vars?: SurveyVarInput[]
  task_params?: unknown
  type?: string
  vaults?: VaultInput[]
  view_id?: number | null
}

export interface TemplateOptions {
  allow_override_environment?: boolean
  confirm_seconds?: number
  depth?: number
  keep_background?: boolean
  log_quota?: number
  max_retries?: number
  retention?: Retention
  secret_args?: boolean
  stop_grace_seconds?: number
  submodules?: boolean | null
  timeout_seconds?: number
  workspace?: string
}

export interface TemplateOptionsInput {
  allow_override_environment?: boolean
  confirm_seconds?: number
  depth?: number
  keep_background?: boolean
  log_quota?: number
  max_retries?: number
  retention?: RetentionInput
  secret_args?: boolean
  stop_grace_seconds?: number
  submodules?: boolean | null
  timeout_seconds?: number
  workspace?: string
}

export interface TemplateRole {
  id: number
  permissions: number
  project_id: number
  role_slug: string
  template_id: number
}

export interface TemplateVault {
  id: number
  name?: string | null
  project_id: number
  script?: string | null
  template_id: number
  type: string
  vault_key_id?: number | null
}

export interface TokenInput {
  auth?: string
  passcode?: string
  password?: string
}

export interface TokenPair {
  access_token: string
  expires_in: number
  refresh_token: string
  token_type: string
}

export interface Totp {
  created: string
  id: number
  user_id: number
}

export interface TotpMethod {
  allow_recovery: boolean
}

export interface User {
  admin: boolean
  alert: boolean
  created: string
  email: string
  email_otp?: Record<string, unknown> | null
  external: boolean
  id: number
  name: string
  pro: boolean
  totp?: Totp | null
  username: string
}

export interface UserInput {
  admin?: boolean
  alert?: boolean
  current_password?: string | null
  email?: string
  external?: boolean
  id?: number
  name?: string
  password?: string
  pro?: boolean
  username?: string
}

export interface VariableSecretInput {
  id?: number
  name?: string
  operation?: string
  secret?: string
  type?: string
}

export interface VaultInput {
  id?: number
  name?: string | null
  script?: string | null
  type?: string
  vault_key_id?: number | null
}

export interface Version {
  version: string
}

export interface View {
  filter?: string | null
  hidden?: boolean
  id: number
  position: number
  project_id: number
  sort_column?: string | null
  sort_reverse: boolean
  title: string
  type?: string
}

export interface ViewInput {
  filter?: string | null
  hidden?: boolean
  id?: number
  position?: number
  project_id?: number
  sort_column?: string | null
  sort_reverse?: boolean
  title?: string
  type?: string
}
