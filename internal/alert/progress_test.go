package alert_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/alert"
	"github.com/alexandervashurin/semaphore/store"
)

// line is a client's transport that reaches nobody: hosts that begin with "bad"
// are down.
type line struct {
	mu     sync.Mutex
	bodies map[string][][]byte // by host
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bodies == nil {
		l.bodies = map[string][][]byte{}
	}
	l.bodies[r.URL.Host] = append(l.bodies[r.URL.Host], body)
	status := http.StatusOK
	if strings.HasPrefix(r.URL.Host, "bad") {
		status = http.StatusBadGateway
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, nil
}

func (l *line) sent(host string) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bodies[host]
}

func TestProgressIsBounded(t *testing.T) {
	t.Parallel()
	l := &line{}
	b := setup(t, store.Template{}, func(c *alert.Config) {
		c.HTTP = &http.Client{Transport: l}
		c.Slack = alert.Hook{Enabled: true, URL: "http://good.example/hook"}
		c.Webhook = alert.Webhook{Enabled: true, URL: "http://bad.example/hook"}
	})
	fail := func(id int64) {
		task := store.Task{ID: id, ProjectID: b.Project.ID, TemplateID: b.template.ID}
		require.Error(t, b.tell(task, store.OutboxFinished, store.Failed))
	}
	for id := range int64(1000) {
		fail(id + 1)
	}
	fail(1)
	require.Len(t, l.sent("good.example"), 1000, "a thousand alerts are remembered")
	fail(1001)
	fail(2)
	require.Len(t, l.sent("good.example"), 1001, "the second as well")
	fail(1)
	require.Len(t, l.sent("good.example"), 1002, "the first was forgotten")
}

// FuzzPayloads puts any text into every name.
func FuzzPayloads(f *testing.F) {
	f.Add(nasty)
	f.Add("</code>\xff\x00\u2028")
	l := &line{}
	tags := regexp.MustCompile(`</?[^>]*>`)
	f.Fuzz(func(t *testing.T, name string) {
		b := setup(t, store.Template{Name: "x" + name}, func(c *alert.Config) {
			for channel, ch := range enable {
				ch.on(c, "http://"+strings.ReplaceAll(channel, "_", "-")+".example")
			}
			c.HTTP = &http.Client{Transport: l}
		})
		b.Project.Name = name
		require.NoError(t, b.tell(b.task(func(t *store.Task) { t.Message, t.Version = name, &name }), store.OutboxFinished, store.Failed))
		for channel := range enable {
			sent := l.sent(strings.ReplaceAll(channel, "_", "-") + ".example")
			body := sent[len(sent)-1]
			require.True(t, json.Valid(body), channel)
			require.True(t, utf8.Valid(body), channel)
		}
		sent := l.sent("telegram.example")
		var m struct{ Text string }
		require.NoError(t, json.Unmarshal(sent[len(sent)-1], &m))
		require.Equal(t, []string{"<code>", "</code>", "<b>", "</b>"}, tags.FindAllString(m.Text, -1))
	})
}
