package config

import "time"

// DB tells where a database is. One set of variables serves every dialect.
type DB struct {
	Host    string            `json:"host" env:"SEMAPHORE_DB_HOST" doc:"Host, with or without port; of sqlite the path of the file."`
	User    string            `json:"user" env:"SEMAPHORE_DB_USER" file:"yes" doc:"Account."`
	Pass    Secret            `json:"pass" env:"SEMAPHORE_DB_PASS" doc:"Password."`
	Name    string            `json:"name" env:"SEMAPHORE_DB,SEMAPHORE_DB_NAME" doc:"Database. Defaults to semaphore."`
	Options map[string]Secret `json:"options" env:"SEMAPHORE_DB_OPTIONS" doc:"Parameters of the connection, such as sslmode; some of them are secrets."`
}

// TLS configures HTTPS.
type TLS struct {
	Enabled          bool   `json:"enabled" env:"SEMAPHORE_TLS_ENABLED" doc:"Serve HTTPS."`
	CertFile         string `json:"cert_file" env:"SEMAPHORE_TLS_CERT_FILE" doc:"Certificate chain, PEM."`
	KeyFile          string `json:"key_file" env:"SEMAPHORE_TLS_KEY_FILE" doc:"Private key, PEM."`
	HTTPRedirectPort int    `json:"http_redirect_port" env:"SEMAPHORE_TLS_HTTP_REDIRECT_PORT" rule:"range:0..65535" doc:"Port whose plain HTTP requests are sent on to HTTPS. 0 is none."`
}

// Outgoing limits where requests that members cause may go.
type Outgoing struct {
	Allow []string `json:"allow" env:"SEMAPHORE_OUTGOING_ALLOW" rule:"cidr" doc:"Private networks that they may reach."`
}

// Auth configures second factors.
type Auth struct {
	TOTP  TOTP     `json:"totp" doc:"Time-based codes."`
	Email EmailOTP `json:"email" doc:"Codes by e-mail."`
}

// TOTP configures time-based codes.
type TOTP struct {
	Enabled       bool   `json:"enabled" env:"SEMAPHORE_TOTP_ENABLED" doc:"Users may switch them on."`
	AllowRecovery bool   `json:"allow_recovery" env:"SEMAPHORE_TOTP_ALLOW_RECOVERY" doc:"A recovery code removes the second factor."`
	AppName       string `json:"app_name" env:"SEMAPHORE_TOTP_ISSUER" default:"Semaphore" doc:"Name that authenticator apps show."`
}

// EmailOTP configures codes by e-mail.
type EmailOTP struct {
	Enabled            bool     `json:"enabled" env:"SEMAPHORE_EMAIL_2TP_ENABLED" doc:"Sign-in asks for a code that is sent by e-mail."`
	AllowLoginExternal bool     `json:"allow_login_as_external_user" env:"SEMAPHORE_EMAIL_2TP_ALLOW_LOGIN_AS_EXTERNAL_USER" doc:"External users may sign in by e-mail alone."`
	AllowCreate        bool     `json:"allow_create_external_user" env:"SEMAPHORE_EMAIL_2TP_ALLOW_CREATE_EXTERNAL_USER" doc:"An unknown address gets an account."`
	AllowedDomains     []string `json:"allowed_domains" env:"SEMAPHORE_EMAIL_2TP_ALLOWED_DOMAINS" doc:"Domains of such addresses. Empty is all."`
	DisableForOIDC     bool     `json:"disable_for_oidc" env:"SEMAPHORE_EMAIL_2TP_DISABLE_FOR_OIDC" doc:"No code after a sign-in by OpenID Connect."`
}

// Teams configures the members of projects.
type Teams struct {
	InvitesEnabled  bool   `json:"invites_enabled" env:"SEMAPHORE_TEAMS_INVITES_ENABLED" doc:"Members are invited, not added; administrators may still add them. Off, open invitations count for nothing."`
	InviteType      string `json:"invite_type" env:"SEMAPHORE_TEAMS_INVITE_TYPE" default:"username" rule:"oneof:email|username|both" doc:"How somebody is named who is invited."`
	MembersCanLeave bool   `json:"members_can_leave" env:"SEMAPHORE_TEAMS_MEMBERS_CAN_LEAVE" doc:"Members may leave a project by themselves."`
}

// Dirs are directories that tasks may reach.
type Dirs struct {
	SecretsPath  string   `json:"secrets_path" env:"SEMAPHORE_SECRETS_PATH" doc:"Secrets of type file are read below it. Defaults to secrets in data_dir."`
	ReposPath    PathList `json:"repos_path" env:"SEMAPHORE_REPOS_PATH" doc:"Local repositories may be below these directories, separated as in PATH. Empty allows none."`
	AllowedPaths PathList `json:"allowed_paths" env:"SEMAPHORE_ALLOWED_PATHS" doc:"Absolute paths of inventories and vault scripts may be below these directories, separated as in PATH. Empty allows none."`
}

// Process is the account that tasks run as.
type Process struct {
	User   string `json:"user" env:"SEMAPHORE_PROCESS_USER" doc:"Name of the account."`
	UID    *int   `json:"uid" env:"SEMAPHORE_PROCESS_UID" rule:"min:0" doc:"Its user id, in place of the name."`
	GID    *int   `json:"gid" env:"SEMAPHORE_PROCESS_GID" rule:"min:0" doc:"Its group id."`
	Chroot string `json:"chroot" env:"SEMAPHORE_PROCESS_CHROOT" doc:"Root directory of tasks."`
}

// Schedule configures schedules.
type Schedule struct {
	Timezone string `json:"timezone" env:"SEMAPHORE_SCHEDULE_TIMEZONE" default:"UTC" rule:"timezone" doc:"Time zone of cron expressions that name none."`
}

// Runner configures a runner. Its registration token is
// runner_registration_token.
type Runner struct {
	Token            Secret `json:"token" env:"SEMAPHORE_RUNNER_TOKEN" doc:"Token that the server gave."`
	TokenFile        string `json:"token_file" env:"SEMAPHORE_RUNNER_TOKEN_FILE" doc:"File that the token is kept in."`
	PrivateKeyFile   string `json:"private_key_file" env:"SEMAPHORE_RUNNER_PRIVATE_KEY_FILE" doc:"File that the private key is kept in."`
	OneOff           bool   `json:"one_off" env:"SEMAPHORE_RUNNER_ONE_OFF" doc:"End after one task."`
	Webhook          string `json:"webhook" env:"SEMAPHORE_RUNNER_WEBHOOK" rule:"url" doc:"Address that the server calls when there is a task."`
	MaxParallelTasks int    `json:"max_parallel_tasks" env:"SEMAPHORE_RUNNER_MAX_PARALLEL_TASKS" default:"1" rule:"min:0" doc:"Tasks that it runs at once. 0 is no limit."`
}

// Syslog configures syslog.
type Syslog struct {
	Enabled bool   `json:"enabled" env:"SEMAPHORE_SYSLOG_ENABLED" doc:"Log to syslog too."`
	Network string `json:"network" env:"SEMAPHORE_SYSLOG_NETWORK" rule:"oneof:|tcp|udp|unix|unixgram" doc:"How it is reached: tcp, udp, unix or unixgram. Empty is the local one."`
	Address string `json:"address" env:"SEMAPHORE_SYSLOG_ADDRESS" doc:"Where it is."`
	Tag     string `json:"tag" env:"SEMAPHORE_SYSLOG_TAG" doc:"Name of the program in it. Defaults to semaphore."`
	Format  string `json:"format" env:"SEMAPHORE_SYSLOG_FORMAT" rule:"oneof:|rfc5424" doc:"Empty is the old form, else rfc5424."`
}

// Log configures logs in files.
type Log struct {
	Events EventLog `json:"events" doc:"Every event of the audit log."`
	Tasks  TaskLog  `json:"tasks" doc:"The output of every task."`
}

// EventLog is a file of events.
type EventLog struct {
	Enabled bool   `json:"enabled" env:"SEMAPHORE_EVENT_LOG_ENABLED" doc:"Write it."`
	Format  string `json:"format" env:"SEMAPHORE_EVENT_LOG_FORMAT" rule:"oneof:|raw|json" doc:"Empty and raw are lines of text."`
	Logger  Logger `json:"logger" env:"SEMAPHORE_EVENT_LOGGER" doc:"Its file."`
}

// TaskLog is a file of output.
type TaskLog struct {
	Enabled      bool   `json:"enabled" env:"SEMAPHORE_TASK_LOG_ENABLED" doc:"Write it."`
	Format       string `json:"format" env:"SEMAPHORE_TASK_LOG_FORMAT" rule:"oneof:|raw|json" doc:"Empty and raw are lines of text."`
	Logger       Logger `json:"logger" env:"SEMAPHORE_TASK_LOGGER" doc:"Its file."`
	ResultLogger Logger `json:"result_logger" env:"SEMAPHORE_TASK_RESULT_LOGGER" doc:"File of how tasks ended."`
}

// Logger is a file that is rotated.
type Logger struct {
	Filename   string `json:"filename" doc:"Path."`
	MaxSize    int    `json:"maxsize" rule:"min:0" doc:"Megabytes of one file. 0 is 100."`
	MaxAge     int    `json:"maxage" rule:"min:0" doc:"Days that old files are kept. 0 is no limit."`
	MaxBackups int    `json:"maxbackups" rule:"min:0" doc:"Old files that are kept. 0 is no limit."`
	LocalTime  bool   `json:"localtime" doc:"Local time in the names of old files, not UTC."`
	Compress   bool   `json:"compress" doc:"Compress old files."`
}

// Debugging helps developers.
type Debugging struct {
	APIDelay     time.Duration `json:"api_delay" env:"SEMAPHORE_API_DELAY" doc:"Delay of every API reply, such as 200ms."`
	PprofDumpDir string        `json:"pprof_dump_dir" env:"SEMAPHORE_PPROF_DUMP_DIR" doc:"Directory for profiles."`
}

// HA is read for compatibility.
type HA struct {
	Enabled bool   `json:"enabled" env:"SEMAPHORE_HA_ENABLED" doc:"Without effect."`
	NodeID  string `json:"node_id" env:"SEMAPHORE_HA_NODE_ID" doc:"Name of this server in logs and leases. Defaults to a random one."`
	Redis   Redis  `json:"redis" doc:"Without effect: no Redis is needed."`
}

// Redis is read for compatibility.
type Redis struct {
	Addr          string `json:"addr" env:"SEMAPHORE_HA_REDIS_ADDR" doc:"Without effect."`
	DB            int    `json:"db" env:"SEMAPHORE_HA_REDIS_DB" doc:"Without effect."`
	Pass          Secret `json:"pass" env:"SEMAPHORE_HA_REDIS_PASS" doc:"Without effect."`
	User          string `json:"user" env:"SEMAPHORE_HA_REDIS_USER" doc:"Without effect."`
	TLS           bool   `json:"tls" env:"SEMAPHORE_HA_REDIS_TLS" doc:"Without effect."`
	TLSSkipVerify bool   `json:"tls_skip_verify" env:"SEMAPHORE_HA_REDIS_TLS_SKIP_VERIFY" doc:"Without effect."`
}

// Container is what the container image is told by variables alone.
type Container struct {
	Admin         string `json:"admin" env:"SEMAPHORE_ADMIN" file:"yes" doc:"Login of the admin that the first start makes."`
	AdminEmail    string `json:"admin_email" env:"SEMAPHORE_ADMIN_EMAIL" default:"admin@localhost" doc:"Its e-mail address."`
	AdminName     string `json:"admin_name" env:"SEMAPHORE_ADMIN_NAME" doc:"Its name. Defaults to the login."`
	AdminPassword Secret `json:"admin_password" env:"SEMAPHORE_ADMIN_PASSWORD" doc:"Its password."`
	DBPort        string `json:"db_port" env:"SEMAPHORE_DB_PORT" doc:"Port of the database, where the host names none."`
	DBPath        string `json:"db_path" env:"SEMAPHORE_DB_PATH" doc:"Directory of the SQLite file, where sqlite.host is empty."`
	LDAPHost      string `json:"ldap_host" env:"SEMAPHORE_LDAP_HOST" doc:"Host of the directory, where ldap_server is empty."`
	LDAPPort      string `json:"ldap_port" env:"SEMAPHORE_LDAP_PORT" doc:"Its port. Defaults to 389, and 636 with ldap_needtls."`
	ImportFile    string `json:"import_project_file" env:"SEMAPHORE_IMPORT_PROJECT_FILE" doc:"Backup of a project that the first start imports."`
	ImportName    string `json:"import_project_name" env:"SEMAPHORE_IMPORT_PROJECT_NAME" doc:"Name that this project gets."`
}
