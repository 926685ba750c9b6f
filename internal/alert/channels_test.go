package alert_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/alert"
	"github.com/alexandervashurin/semaphore/store"
)

const secret = "s3cr3t-t0k3n-0123456789"

// enable switches one channel on, and returns where it posts to.
var enable = map[string]struct {
	on    func(c *alert.Config, url string)
	path  string
	query string
}{
	"telegram": {on: func(c *alert.Config, url string) {
		c.Telegram = alert.Telegram{Enabled: true, Token: secret, Chat: "-1001", URL: url}
	}, path: "/bot" + secret + "/sendMessage"},
	"slack": {on: func(c *alert.Config, url string) {
		c.Slack = alert.Hook{Enabled: true, URL: alert.Secret(url + "/services/" + secret)}
	}, path: "/services/" + secret},
	"rocketchat": {on: func(c *alert.Config, url string) {
		c.RocketChat = alert.Hook{Enabled: true, URL: alert.Secret(url + "/hooks/" + secret)}
	}, path: "/hooks/" + secret},
	"microsoft_teams": {on: func(c *alert.Config, url string) {
		c.Teams = alert.Hook{Enabled: true, URL: alert.Secret(url + "/workflows/" + secret)}
	}, path: "/workflows/" + secret},
	"dingtalk": {on: func(c *alert.Config, url string) {
		c.DingTalk = alert.Hook{Enabled: true, URL: alert.Secret(url + "/robot/send?access_token=" + secret)}
	}, path: "/robot/send", query: "access_token=" + secret},
	"gotify": {on: func(c *alert.Config, url string) {
		c.Gotify = alert.Gotify{Enabled: true, URL: url + "/", Token: secret}
	}, path: "/message", query: "token=" + secret},
	"webhook": {on: func(c *alert.Config, url string) {
		c.Webhook = alert.Webhook{Enabled: true, URL: alert.Secret(url + "/hook/" + secret), Secret: "signing-key"}
	}, path: "/hook/" + secret},
}

// TestEveryPayload sends an error, with names that need escaping, and a
// success of a build that nobody started.
func TestEveryPayload(t *testing.T) {
	t.Parallel()
	for name, ch := range enable {
		t.Run(name+" tells of an error in valid JSON, whatever names contain", func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			b := setup(t, store.Template{Name: nasty}, func(c *alert.Config) { ch.on(c, r.URL) })
			b.Project.Name = nasty
			ann := b.user(store.User{Username: "ann", Name: nasty, Email: "ann@example.com"})
			task := b.task(func(t *store.Task) { t.UserID = &ann.ID; t.Message = nasty; t.Version = pointer(nasty) })
			task.Created, task.Start, task.End, task.Reason, task.CommitHash = someTime, &someTime, &someTime, "exit code 2", pointer("abc")
			require.NoError(t, b.tell(task, store.OutboxFinished, store.Failed))
			got := r.got()
			require.Len(t, got, 1)
			require.Equal(t, ch.path, got[0].path)
			require.Equal(t, ch.query, got[0].query)
			require.Equal(t, "application/json", got[0].header.Get("Content-Type"))
			golden(t, name+"_error", got[0].body)
		})
		t.Run(name+" tells of a success", func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			b := setup(t, store.Template{Name: "Build"}, func(c *alert.Config) { ch.on(c, r.URL) })
			task := b.task(nil)
			task.Created = someTime
			require.NoError(t, b.tell(task, store.OutboxFinished, store.Success))
			golden(t, name+"_success", r.got()[0].body)
		})
	}
}

func TestTelegramEscapesItsHTML(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	b := setup(t, store.Template{Name: nasty}, func(c *alert.Config) { enable["telegram"].on(c, r.URL) })
	require.NoError(t, b.tell(b.task(nil), store.OutboxFinished, store.Failed))
	var m struct{ Text string }
	require.NoError(t, json.Unmarshal(r.got()[0].body, &m))
	require.NotContains(t, m.Text, "<script>")
	require.Contains(t, m.Text, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; ")
	require.Equal(t, 1, strings.Count(m.Text, "<code>"))
}

func TestTelegramWritesToTheChatOfTheProject(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	b := setup(t, store.Template{}, func(c *alert.Config) {
		enable["telegram"].on(c, r.URL)
		c.Telegram.Chat = ""
	})
	task := b.task(nil)
	require.NoError(t, b.tell(task, store.OutboxFinished, store.Failed))
	require.Empty(t, r.got(), "there is no chat to write to")
	b.Project.AlertChat = pointer("-42")
	require.NoError(t, b.tell(task, store.OutboxFinished, store.Failed))
	require.Contains(t, string(r.got()[0].body), `"chat_id":"-42"`)
}

func TestTheWebhookIsSigned(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	b := setup(t, store.Template{}, func(c *alert.Config) { enable["webhook"].on(c, r.URL) })
	task := b.task(nil)
	require.NoError(t, b.tell(task, store.OutboxFinished, store.Failed))
	require.NoError(t, b.tell(task, store.OutboxFinished, store.Failed))
	require.NoError(t, b.tell(task, store.OutboxUnreachable, store.Running))
	got := r.got()
	require.Len(t, got, 3)
	sum := hmac.New(sha256.New, []byte("signing-key"))
	sum.Write(got[0].body)
	require.Equal(t, "sha256="+hex.EncodeToString(sum.Sum(nil)), got[0].header.Get(alert.SignatureHeader))
	require.NotEmpty(t, got[0].header.Get(alert.DeliveryHeader))
	require.Equal(t, got[0].header.Get(alert.DeliveryHeader), got[1].header.Get(alert.DeliveryHeader), "a repetition has the same id")
	require.NotEqual(t, got[0].header.Get(alert.DeliveryHeader), got[2].header.Get(alert.DeliveryHeader))

	unsigned := setup(t, store.Template{}, func(c *alert.Config) {
		enable["webhook"].on(c, r.URL)
		c.Webhook.Secret = ""
	})
	require.NoError(t, unsigned.tell(unsigned.task(nil), store.OutboxFinished, store.Failed))
	require.NotContains(t, r.got()[3].header, alert.SignatureHeader)
}
