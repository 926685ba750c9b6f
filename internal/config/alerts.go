package config

// Alerts configures how people are told about tasks. Addresses that hold a
// token are secrets.
type Alerts struct {
	EmailAlert         bool   `json:"email_alert" env:"SEMAPHORE_EMAIL_ALERT" doc:"Tell by e-mail."`
	EmailSender        string `json:"email_sender" env:"SEMAPHORE_EMAIL_SENDER" doc:"Sender."`
	EmailHost          string `json:"email_host" env:"SEMAPHORE_EMAIL_HOST" doc:"Mail server."`
	EmailPort          string `json:"email_port" env:"SEMAPHORE_EMAIL_PORT" rule:"port" doc:"Its port."`
	EmailUsername      string `json:"email_username" env:"SEMAPHORE_EMAIL_USERNAME" doc:"Account on it."`
	EmailPassword      Secret `json:"email_password" env:"SEMAPHORE_EMAIL_PASSWORD" doc:"Password of the account."`
	EmailSecure        bool   `json:"email_secure" env:"SEMAPHORE_EMAIL_SECURE" doc:"Sign in, and change to TLS where the server offers it."`
	EmailTLS           bool   `json:"email_tls" env:"SEMAPHORE_EMAIL_TLS" doc:"Connect by TLS."`
	EmailTLSMinVersion string `json:"email_tls_min_version" env:"SEMAPHORE_EMAIL_TLS_MIN_VERSION" default:"1.2" rule:"oneof:1.0|1.1|1.2|1.3" doc:"Oldest TLS that is spoken."`

	TelegramAlert bool   `json:"telegram_alert" env:"SEMAPHORE_TELEGRAM_ALERT" doc:"Tell by Telegram."`
	TelegramChat  string `json:"telegram_chat" env:"SEMAPHORE_TELEGRAM_CHAT" doc:"Chat, where the project names none."`
	TelegramToken Secret `json:"telegram_token" env:"SEMAPHORE_TELEGRAM_TOKEN" doc:"Token of the bot."`

	SlackAlert bool   `json:"slack_alert" env:"SEMAPHORE_SLACK_ALERT" doc:"Tell by Slack."`
	SlackURL   Secret `json:"slack_url" env:"SEMAPHORE_SLACK_URL" rule:"url" doc:"Address of its webhook."`

	RocketChatAlert bool   `json:"rocketchat_alert" env:"SEMAPHORE_ROCKETCHAT_ALERT" doc:"Tell by Rocket.Chat."`
	RocketChatURL   Secret `json:"rocketchat_url" env:"SEMAPHORE_ROCKETCHAT_URL" rule:"url" doc:"Address of its webhook."`

	MicrosoftTeamsAlert bool   `json:"microsoft_teams_alert" env:"SEMAPHORE_MICROSOFT_TEAMS_ALERT" doc:"Tell by Microsoft Teams."`
	MicrosoftTeamsURL   Secret `json:"microsoft_teams_url" env:"SEMAPHORE_MICROSOFT_TEAMS_URL" rule:"url" doc:"Address of its webhook."`

	DingTalkAlert bool   `json:"dingtalk_alert" env:"SEMAPHORE_DINGTALK_ALERT" doc:"Tell by DingTalk."`
	DingTalkURL   Secret `json:"dingtalk_url" env:"SEMAPHORE_DINGTALK_URL" rule:"url" doc:"Address of its robot."`

	GotifyAlert bool   `json:"gotify_alert" env:"SEMAPHORE_GOTIFY_ALERT" doc:"Tell by Gotify."`
	GotifyURL   string `json:"gotify_url" env:"SEMAPHORE_GOTIFY_URL" rule:"url" doc:"Address of the server."`
	GotifyToken Secret `json:"gotify_token" env:"SEMAPHORE_GOTIFY_TOKEN" doc:"Token of the application."`

	WebhookAlert  bool   `json:"webhook_alert" env:"SEMAPHORE_WEBHOOK_ALERT" doc:"Tell by a request with a JSON body."`
	WebhookURL    Secret `json:"webhook_url" env:"SEMAPHORE_WEBHOOK_URL" rule:"url" doc:"Where it goes."`
	WebhookSecret Secret `json:"webhook_secret" env:"SEMAPHORE_WEBHOOK_SECRET" doc:"Key of its signature."`
}
