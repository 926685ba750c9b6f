package alert_test

import (
	"errors"
	"fmt"
	"html"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/alert"
	"github.com/alexandervashurin/semaphore/mail"
	"github.com/alexandervashurin/semaphore/mail/mailtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func TestMailGoesToMembersAndAdministratorsWhoWantIt(t *testing.T) {
	t.Parallel()
	server := mailtest.NewServer(t, mailtest.Options{Security: mail.StartTLS, Auth: []string{"PLAIN"}, User: "u", Password: "p"})
	sender, err := mail.NewSMTP(server.Config())
	require.NoError(t, err)
	b := setup(t, store.Template{Name: nasty}, func(c *alert.Config) {
		c.Email.Enabled, c.Mail = true, sender
	})
	add := func(name string, change func(u *store.User)) store.User {
		u := store.User{Username: name, Name: name + " \"x\" <y>\r\nBcc: evil@example.com", Email: name + "@example.com", Alert: true}
		change(&u)
		return b.user(u)
	}
	member := func(u store.User) {
		_, err := b.st.Projects().Members().Create(t.Context(), store.Member{ProjectID: b.Project.ID, UserID: u.ID, Role: "guest"})
		require.NoError(t, err)
	}
	member(add("member", func(*store.User) {}))
	member(add("both", func(u *store.User) { u.Admin = true }))
	member(add("quiet", func(u *store.User) { u.Alert = false }))
	add("admin", func(u *store.User) { u.Admin = true })
	add("quietadmin", func(u *store.User) { u.Admin = true; u.Alert = false })
	add("stranger", func(*store.User) {})

	b.Project.Name = nasty
	task := b.task(func(t *store.Task) { t.Message = nasty })
	task.Reason = "exit code 2"
	require.NoError(t, b.tell(task, store.OutboxFinished, store.Failed))
	var to []string
	for _, m := range server.Messages() {
		require.Len(t, m.Recipients, 1, "nobody sees the others")
		to = append(to, m.Recipients[0])
		require.NotContains(t, m.Header, "Bcc")
		require.Equal(t, "Task '"+strings.ReplaceAll(nasty, "\n", " ")+"' failed", m.Subject)
		require.NotContains(t, m.HTML, "<script>")
		require.Contains(t, html.UnescapeString(m.HTML), nasty)
		require.Contains(t, m.Text, nasty)
		link := fmt.Sprintf("https://semaphore.example.com/project/%d/templates/%d?t=%d", b.Project.ID, b.template.ID, task.ID)
		require.Contains(t, m.HTML, `href="`+link+`"`)
		require.Contains(t, m.Text, link)
		require.Contains(t, m.Text, "exit code 2")
	}
	require.ElementsMatch(t, []string{"member@example.com", "both@example.com", "admin@example.com"}, to)
}

func TestARejectedMailIsNotRepeated(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	server := mailtest.NewServer(t, mailtest.Options{Refuse: func(string) error {
		tries.Add(1)
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}})
	sender, err := mail.NewSMTP(server.Config())
	require.NoError(t, err)
	b := setup(t, store.Template{}, func(c *alert.Config) { c.Email.Enabled, c.Mail = true, sender })
	b.user(store.User{Username: "gone", Name: "Gone", Email: "gone@example.com", Admin: true, Alert: true})
	b.user(store.User{Username: "broken", Name: "Broken", Email: "no address", Admin: true, Alert: true})
	require.NoError(t, b.tell(b.task(nil), store.OutboxFinished, store.Failed))
	require.EqualValues(t, 1, tries.Load())
	require.Contains(t, b.log.String(), "no such user")
	require.Contains(t, b.log.String(), "email:2")
}

func TestTheWordsCanBeReplaced(t *testing.T) {
	t.Parallel()
	fake := &mailtest.Fake{}
	b := setup(t, store.Template{Name: "<Deploy>"}, func(c *alert.Config) {
		c.Email = alert.Email{Enabled: true, From: "Alerts <alerts@example.com>"}
		c.Mail = fake
		c.Templates = fstest.MapFS{
			"mail.subject.tmpl": {Data: []byte("[{{.Project}}] {{.Event}}")},
			"mail.html.tmpl":    {Data: []byte("<i>{{.Template}}</i>")},
		}
	})
	b.user(store.User{Username: "root", Name: "Root", Email: "root@example.com", Admin: true, Alert: true})
	require.NoError(t, b.tell(b.task(nil), store.OutboxUnreachable, store.Running))
	m := fake.Sent()[0]
	require.Equal(t, "["+b.Project.Name+"] unreachable", m.Subject)
	require.Equal(t, "<i>&lt;Deploy&gt;</i>", m.HTML)
	require.Contains(t, m.Text, "UNREACHABLE", "what is not replaced stays")
	require.Equal(t, "Alerts <alerts@example.com>", m.From)
}

func TestATestTellsEveryChannel(t *testing.T) {
	t.Parallel()
	r, fake := newReceiver(t), &mailtest.Fake{}
	b := setup(t, store.Template{}, func(c *alert.Config) {
		for _, ch := range enable {
			ch.on(c, r.URL)
		}
		c.Email.Enabled, c.Mail = true, fake
	})
	b.Project.Alert = false
	results := b.alerter.Test(t.Context(), b.Project)
	var names []string
	for _, result := range results {
		names = append(names, result.Channel)
		if result.Channel == "email" {
			require.ErrorContains(t, result.Err, "nobody to tell")
			continue
		}
		require.NoError(t, result.Err, result.Channel)
	}
	require.Equal(t, []string{"telegram", "slack", "rocketchat", "microsoft_teams", "dingtalk", "gotify", "webhook", "email"}, names)
	require.Len(t, r.got(), 7)
	for _, d := range r.got() {
		require.Contains(t, string(d.body), "Test Notification", d.path)
		require.Contains(t, string(d.body), "/templates/0?t=0", d.path)
	}

	b.user(store.User{Username: "root", Name: "Root", Email: "root@example.com", Admin: true, Alert: true})
	results = b.alerter.Test(t.Context(), b.Project)
	require.NoError(t, results[7].Err)
	require.Equal(t, "Task 'Test Notification' succeeded", strings.TrimSpace(fake.Sent()[0].Subject))

	fake.Fail = func(mail.Message) error { return errors.New("no line") }
	require.ErrorContains(t, b.alerter.Test(t.Context(), b.Project)[7].Err, "no line")
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(c *alert.Config){
		"no store":                        func(c *alert.Config) { c.Store = nil },
		"enabled without a sender":        func(c *alert.Config) { c.Email.Enabled = true },
		"telegram is enabled without":     func(c *alert.Config) { c.Telegram.Enabled = true },
		"gotify is enabled without":       func(c *alert.Config) { c.Gotify = alert.Gotify{Enabled: true, URL: "https://g"} },
		"slack: its url is no address":    func(c *alert.Config) { c.Slack = alert.Hook{Enabled: true, URL: secret} },
		"webhook: its url is no address":  func(c *alert.Config) { c.Webhook = alert.Webhook{Enabled: true, URL: "ftp://x/" + secret} },
		"dingtalk: its url is no address": func(c *alert.Config) { c.DingTalk = alert.Hook{Enabled: true} },
		"template of e-mail":              func(c *alert.Config) { c.Templates = fstest.MapFS{"mail.txt.tmpl": {Data: []byte("{{")}} },
		"there is no field .Nonexistent": func(c *alert.Config) {
			c.Templates = fstest.MapFS{"mail.html.tmpl": {Data: []byte("{{.Nonexistent}}")}}
		},
	} {
		cfg := alert.Config{Store: setup(t, store.Template{}, func(*alert.Config) {}).st}
		change(&cfg)
		_, err := alert.New(cfg)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), secret)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			require.NotContains(t, fmt.Sprintf(verb, cfg.Slack), secret)
			require.NotContains(t, fmt.Sprintf(verb, cfg.Webhook), secret)
		}
	}
}

func TestTemplatesAreTriedOnBothSides(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]string{
		"{{if .Version}}{{.Nope}}{{end}}":                "no field .Nope",
		"{{if .Version}}x{{else}}{{.Nope}}{{end}}":       "no field .Nope",
		"{{range .Version}}{{end}}":                      "are known here",
		"{{.Version | print}}":                           "not defined",
		"{{$x := .Version}}":                             "are known here",
		"{{.Version.Length}}":                            "no field .Version.Length",
		`{{define "a"}}x{{end}}{{template "a"}}`:         "one template",
		"{{with .Version}}{{eq . .Nope}}{{else}}{{end}}": "no field .Nope",
	} {
		_, err := alert.New(alert.Config{Store: memory.New(memory.Config{}), Email: alert.Email{Enabled: true}, Mail: &mailtest.Fake{},
			Templates: fstest.MapFS{"mail.txt.tmpl": {Data: []byte(text)}}})
		require.ErrorContains(t, err, reason, text)
	}
}
