package config

// Config is the configuration of a server, a runner or a command.
type Config struct {
	DataDir  string `json:"data_dir" env:"SEMAPHORE_DATA_DIR" doc:"Directory of everything that outlives a restart: database, key, states, mirrors. Defaults to $XDG_DATA_HOME/semaphore or ~/.local/share/semaphore, and /var/lib/semaphore for root and accounts without a home."`
	Dialect  string `json:"dialect" env:"SEMAPHORE_DB_DIALECT" rule:"oneof:|sqlite|postgres|mysql|bolt" doc:"Kind of database: sqlite or postgres. Defaults to the one that is configured, else sqlite. What mysql and bolt hold is read by import-semaphore."`
	SQLite   DB     `json:"sqlite" doc:"SQLite: host is the path of the file. Defaults to semaphore.db in data_dir."`
	Postgres DB     `json:"postgres" doc:"PostgreSQL."`
	MySQL    DB     `json:"mysql" doc:"MySQL: read by import-semaphore only."`
	Bolt     DB     `json:"bolt" doc:"BoltDB: read by import-semaphore only."`

	Port           string   `json:"port" env:"SEMAPHORE_PORT" default:":3000" rule:"port" doc:"Port to listen on, with or without the colon."`
	Interface      string   `json:"interface" env:"SEMAPHORE_INTERFACE" doc:"Address to listen on. Empty is all of them."`
	WebHost        string   `json:"web_host" env:"SEMAPHORE_WEB_ROOT" rule:"url" doc:"Public address of the server; its path is the prefix of all routes. For a runner the address of its server."`
	TLS            TLS      `json:"tls" doc:"HTTPS."`
	TrustedProxies []string `json:"trusted_proxies" env:"SEMAPHORE_TRUSTED_PROXIES" rule:"cidr" doc:"Networks of proxies whose X-Forwarded headers count."`
	TrustedOrigins []string `json:"trusted_origins" env:"SEMAPHORE_TRUSTED_ORIGINS" rule:"origin" doc:"Origins beside web_host that may send unsafe requests and open websockets."`
	Outgoing       Outgoing `json:"outgoing" doc:"Requests to addresses that project members set."`

	CookieHash             Secret   `json:"cookie_hash" env:"SEMAPHORE_COOKIE_HASH" rule:"base64" doc:"Read for compatibility; sessions need no key."`
	CookieEncryption       Secret   `json:"cookie_encryption" env:"SEMAPHORE_COOKIE_ENCRYPTION" rule:"base64" doc:"Read for compatibility; sessions need no key."`
	AccessKeyEncryption    Secret   `json:"access_key_encryption" env:"SEMAPHORE_ACCESS_KEY_ENCRYPTION" rule:"key" doc:"Key that seals secrets in the database: base64 of 16, 24 or 32 bytes. Who loses it loses them. Defaults to the file access.key in data_dir."`
	OldAccessKeyEncryption []Secret `json:"old_access_key_encryption" env:"SEMAPHORE_OLD_ACCESS_KEY_ENCRYPTION" rule:"key" doc:"Keys that still open what was sealed before the key was changed, until vault rekey has run."`
	EnvSecretPrefix        string   `json:"env_secret_prefix" env:"SEMAPHORE_ENV_SECRET_PREFIX" rule:"env_prefix" doc:"Secrets of type env may name variables that begin so. Empty allows none."`
	StrictPermissions      bool     `json:"strict_permissions" env:"SEMAPHORE_STRICT_PERMISSIONS" doc:"Refuse, not only warn of, files with secrets that others may read."`

	Auth                   Auth                `json:"auth" doc:"Second factors."`
	PasswordLoginDisable   bool                `json:"password_login_disable" env:"SEMAPHORE_PASSWORD_LOGIN_DISABLED" doc:"No sign-in by password of a local account."`
	MinPasswordLength      int                 `json:"min_password_length" env:"SEMAPHORE_MIN_PASSWORD_LENGTH" default:"1" rule:"range:1..72" doc:"Shortest password that may be set. setup and the web interface ask for 8 at least."`
	RequireCurrentPassword bool                `json:"require_current_password" env:"SEMAPHORE_REQUIRE_CURRENT_PASSWORD" doc:"A change of the own password needs the current one, by API too."`
	NonAdminCanCreate      bool                `json:"non_admin_can_create_project" env:"SEMAPHORE_NON_ADMIN_CAN_CREATE_PROJECT" doc:"Every user may create projects."`
	OIDCProviders          map[string]Provider `json:"oidc_providers" env:"SEMAPHORE_OIDC_PROVIDERS" doc:"Sign-in by OpenID Connect, by id."`
	LDAP
	Teams Teams `json:"teams" doc:"Members of projects."`

	TmpPath       string `json:"tmp_path" env:"SEMAPHORE_TMP_PATH" doc:"Directory of runs, mirrors and caches. Defaults to work in data_dir."`
	Dirs          Dirs   `json:"dirs" doc:"Directories that tasks may reach."`
	HomeDirMode   string `json:"home_dir_mode" env:"SEMAPHORE_HOME_DIR_MODE" default:"template_dir" rule:"oneof:user_home|project_home|template_dir|isolated" doc:"What HOME is for a task."`
	SSHConfigPath string `json:"ssh_config_path" env:"SEMAPHORE_SSH_PATH" doc:"ssh configuration for git and Ansible."`
	GitClient     string `json:"git_client" env:"SEMAPHORE_GIT_CLIENT" default:"cmd_git" rule:"oneof:cmd_git|go_git" doc:"git by its command line, or built in."`

	MaxTaskDurationSec  int                    `json:"max_task_duration_sec" env:"SEMAPHORE_MAX_TASK_DURATION_SEC" default:"0" rule:"min:0" doc:"Longest run of a task. 0 is no limit."`
	MaxTasksPerTemplate int                    `json:"max_tasks_per_template" env:"SEMAPHORE_MAX_TASKS_PER_TEMPLATE" default:"0" rule:"min:0" doc:"Finished tasks kept per template. 0 keeps all."`
	MaxParallelTasks    int                    `json:"max_parallel_tasks" env:"SEMAPHORE_MAX_PARALLEL_TASKS" default:"10" rule:"min:0" doc:"Tasks that run at once. 0 is no limit."`
	LostAfterSec        int                    `json:"lost_after_sec" env:"SEMAPHORE_LOST_AFTER_SEC" default:"600" rule:"min:20" doc:"After how long without a sign of life from its server or runner a task counts as lost. It is shown as unreachable after 15 s."`
	LostAfterRetrySec   int                    `json:"lost_after_retry_sec" env:"SEMAPHORE_LOST_AFTER_RETRY_SEC" default:"30" rule:"min:20" doc:"The same for tasks whose template allows retries, which then run again."`
	ShutdownGraceSec    int                    `json:"shutdown_grace_sec" env:"SEMAPHORE_SHUTDOWN_GRACE_SEC" default:"8" rule:"min:0" doc:"How long running tasks have to end when the program is stopped."`
	AppSettings         map[string]AppSettings `json:"apps" env:"SEMAPHORE_APPS" doc:"Apps that tasks may use, by id; the built-in ones need no entry."`
	EnvVars             map[string]Secret      `json:"env_vars" env:"SEMAPHORE_ENV_VARS" doc:"Variables of every task's environment."`
	ForwardedEnvVars    []string               `json:"forwarded_env_vars" env:"SEMAPHORE_FORWARDED_ENV_VARS" doc:"Variables of the server that tasks get too."`
	Process             Process                `json:"process" doc:"Another account for tasks."`
	Schedule            Schedule               `json:"schedule" doc:"Schedules."`
	GlobalAlias         string                 `json:"global_integration_alias" env:"SEMAPHORE_INTEGRATION_ALIAS" doc:"Read for compatibility, without effect."`
	WebhookLegacyStatus bool                   `json:"webhook_legacy_status" env:"SEMAPHORE_WEBHOOK_LEGACY_STATUS" doc:"Incoming webhooks that are refused answer 2xx all the same."`

	UseRemoteRunner         bool   `json:"use_remote_runner" env:"SEMAPHORE_USE_REMOTE_RUNNER" doc:"Tasks run on runners, none on the server."`
	RunnerRegistrationToken Secret `json:"runner_registration_token" env:"SEMAPHORE_RUNNER_REGISTRATION_TOKEN" doc:"Token that runners register with. Empty switches registration off."`
	Runner                  Runner `json:"runner" doc:"Settings of a runner."`

	Alerts
	Syslog    Syslog    `json:"syslog" doc:"Log to syslog."`
	LogLevel  string    `json:"log_level" env:"SEMAPHORE_LOG_LEVEL" default:"INFO" rule:"level" doc:"DEBUG, INFO, WARN or ERROR; FATAL and PANIC count as ERROR."`
	LogFormat string    `json:"log_format" env:"SEMAPHORE_LOG_FORMAT" default:"text" rule:"oneof:text|json" doc:"Form of the log."`
	Log       Log       `json:"log" doc:"Logs of events and tasks in files."`
	Debugging Debugging `json:"debugging" doc:"For developers."`

	HA                  HA     `json:"ha" doc:"Several servers on one PostgreSQL database find each other through it; these keys are read for compatibility."`
	SubscriptionKey     Secret `json:"subscription_key" env:"SEMAPHORE_SUBSCRIPTION_KEY" doc:"Read for compatibility, without effect."`
	SubscriptionKeyFile string `json:"subscription_key_file" env:"SEMAPHORE_SUBSCRIPTION_KEY_FILE" doc:"Read for compatibility, without effect."`

	Container Container `json:"container" only:"env" doc:"Variables of the container image."`
}
