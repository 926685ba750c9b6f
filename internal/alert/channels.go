package alert

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// object is JSON that is written in one place only.
type object = map[string]any

// enabled lists the channels that are, e-mail apart.
func (a *Alerter) enabled() []channel {
	cfg := a.cfg
	gotify := strings.TrimRight(cfg.Gotify.URL, "/") + "/message?token=" + url.QueryEscape(string(cfg.Gotify.Token))
	telegram := strings.TrimRight(cfg.Telegram.URL, "/") + "/bot" + string(cfg.Telegram.Token) + "/sendMessage"
	var list []channel
	for _, c := range []struct {
		enabled bool
		token   Secret
		channel
	}{
		{cfg.Telegram.Enabled, cfg.Telegram.Token, channel{name: nameTelegram, url: telegram, payload: a.telegram}},
		{cfg.Slack.Enabled, "", channel{name: nameSlack, url: string(cfg.Slack.URL), payload: slack}},
		{cfg.RocketChat.Enabled, "", channel{name: nameRocketChat, url: string(cfg.RocketChat.URL), payload: rocketChat}},
		{cfg.Teams.Enabled, "", channel{name: nameTeams, url: string(cfg.Teams.URL), payload: teams, taken: func(status int) bool {
			return status == http.StatusOK || status == http.StatusAccepted
		}}},
		{cfg.DingTalk.Enabled, "", channel{name: nameDingTalk, url: string(cfg.DingTalk.URL), payload: dingTalk, verify: dingTalkAnswer}},
		{cfg.Gotify.Enabled, cfg.Gotify.Token, channel{name: nameGotify, url: gotify, payload: gotifyMessage}},
		{cfg.Webhook.Enabled, cfg.Webhook.Secret, webhook(cfg.Webhook)},
	} {
		if !c.enabled {
			continue
		}
		c.secrets = secretsOf(c.url, string(c.token))
		if c.taken == nil {
			c.taken = status200
		}
		list = append(list, c.channel)
	}
	return list
}

// chat is where Telegram writes to.
func (a *Alerter) chat(p store.Project) string {
	if p.AlertChat != nil && *p.AlertChat != "" {
		return *p.AlertChat
	}
	return a.cfg.Telegram.Chat
}

func (a *Alerter) telegram(f facts) any {
	e := html.EscapeString
	lines := []string{
		"<code>" + e(f.template.Name) + "</code>",
		fmt.Sprintf("#%d <b>%s</b>%s", f.task.ID, e(f.label()), e(f.details())),
		"by " + e(f.author),
		e(f.url),
	}
	return object{"chat_id": a.chat(f.project), "parse_mode": "HTML", "text": strings.Join(lines, "\n")}
}

// details are version and message, each after a space.
func (f facts) details() string {
	text := ""
	for _, part := range []string{f.version, f.task.Message} {
		if part != "" {
			text += " " + part
		}
	}
	return text
}

// colour chooses by event: good, bad, or worth a look.
func (f facts) colour(good, bad, other string) string {
	switch f.event {
	case EventSuccess, EventRecovered, EventTest:
		return good
	case EventError:
		return bad
	}
	return other
}

// slackText escapes the three characters that Slack reads as markup of links
// and mentions.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

func slack(f facts) any {
	fields := []object{{"title": "Author", "value": slackText(f.author), "short": true}}
	if f.version != "" {
		fields = append(fields, object{"title": "Version", "value": slackText(f.version), "short": true})
	}
	return object{"attachments": []object{{
		"title":      slackText("Task: " + f.template.Name),
		"title_link": f.url,
		"text":       strings.TrimSpace(slackText(fmt.Sprintf("#%d *%s* %s", f.task.ID, f.label(), f.task.Message))),
		"color":      f.colour("good", "danger", "#f2c744"),
		"mrkdwn_in":  []string{"text"},
		"fields":     fields,
	}}}
}

func rocketChat(f facts) any {
	return object{
		"text": "Task: " + f.template.Name,
		"attachments": []object{{
			"title":      f.template.Name,
			"title_link": f.url,
			"text":       fmt.Sprintf("#%d %s%s\nby %s", f.task.ID, f.label(), f.details(), f.author),
			"color":      f.colour("#00EE00", "#EE0000", "#F2C744"),
		}},
	}
}

func teams(f facts) any {
	row := func(title, value string) object { return object{"title": title, "value": value} }
	rows := []object{row("Task:", f.template.Name), row("Status:", f.label()), row("Task ID:", strconv.FormatInt(f.task.ID, 10))}
	if f.version != "" {
		rows = append(rows, row("Version:", f.version))
	}
	if f.task.Message != "" {
		rows = append(rows, row("Message:", f.task.Message))
	}
	return object{
		"type": "message",
		"attachments": []object{{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"contentUrl":  nil,
			"content": object{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
				"type":    "AdaptiveCard",
				"version": "1.4",
				"body": []object{
					{"type": "TextBlock", "text": "Executed by: " + f.author, "wrap": true},
					{"type": "FactSet", "facts": rows},
				},
				"actions": []object{{"type": "Action.OpenUrl", "title": "Open the task", "url": f.url}},
			},
		}},
	}
}

// markdown keeps a text from being read as markup, on one line.
func markdown(s string) string {
	return markdownText(strings.Join(strings.Fields(s), " "))
}

var markdownText = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`).Replace

// paragraphs tells everything in Markdown.
func (f facts) paragraphs() string {
	list := []string{
		fmt.Sprintf("Task ID: #%d", f.task.ID),
		"Status: " + markdown(f.label()),
		"Author: " + markdown(f.author),
	}
	if f.version != "" {
		list = append(list, "Version: "+markdown(f.version))
	}
	if f.task.Message != "" {
		list = append(list, "Message: "+markdown(f.task.Message))
	}
	return strings.Join(append(list, "[Open the task]("+f.url+")"), "\n\n")
}

func dingTalk(f facts) any {
	return object{"msgtype": "markdown", "markdown": object{
		"title": "Task: " + f.template.Name,
		"text":  "#### Task: " + markdown(f.template.Name) + "\n\n" + f.paragraphs(),
	}}
}

// dingTalkAnswer reads the real outcome: DingTalk says status 200 to everything.
func dingTalkAnswer(body []byte) error {
	var answer struct {
		Code    int    `json:"errcode"`
		Message string `json:"errmsg"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Code == 0 {
		return nil // a proxy or a compatible program, which says it by its status
	}
	err := fmt.Errorf("error %d: %q", answer.Code, excerpt([]byte(answer.Message)))
	if answer.Code == -1 || answer.Code == 130101 { // busy, too many messages
		return err
	}
	return &refusal{err}
}

func gotifyMessage(f facts) any {
	return object{
		"title":   "Task: " + f.template.Name,
		"message": f.paragraphs(),
		"extras":  object{"client::display": object{"contentType": "text/markdown"}},
	}
}
