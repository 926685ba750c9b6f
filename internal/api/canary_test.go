package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
)

// journal keeps everything that is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// canaries are all secrets of a matrix, by what they are.
func (m *matrix) canaries() map[string]string {
	list := map[string]string{"secret": leak, "webhook secret": hookSecret, "password": password, "recovery code": m.vars["recovery"], "invitation": m.vars["invite_token"], "refresh token": m.vars["refresh"]}
	for name, token := range m.tokens {
		list["token of "+name] = token
	}
	for name, url := range m.totp {
		_, secret, _ := strings.Cut(url, "secret=")
		list["second factor "+name], _, _ = strings.Cut(secret, "&")
	}
	for name, header := range m.headers {
		if _, cookie, ok := strings.Cut(header[1], "="); ok && header[0] == "Cookie" {
			list["session "+name] = cookie
		}
	}
	return list
}

// lacks checks that a text shows none of them.
func (m *matrix) lacks(t *testing.T, where, text string) {
	t.Helper()
	for what, canary := range m.canaries() {
		if i := strings.Index(text, canary); i >= 0 {
			require.Fail(t, "a secret is shown", "%s shows a %s: %s", where, what, text[max(0, i-200):min(len(text), i+100)])
		}
	}
}

func canaryMatrix(t *testing.T) (*matrix, *journal) {
	j := &journal{}
	log := slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return copyMatrix(t, func(c *api.Config) { c.Log, c.AccessLog = log, log }), j
}

// TestSecretsComeBackToNobody reads everything as everybody. The text of a
// Terraform state is shown to those who manage resources, and with it what the
// state holds.
func TestSecretsComeBackToNobody(t *testing.T) {
	t.Parallel()
	m, j := canaryMatrix(t)
	for _, l := range m.lines(t) {
		if l.method != http.MethodGet || l.path == "/ws" || l.path == "/terraform/{alias}" {
			continue
		}
		for _, caller := range callers() {
			a := m.ask(l, caller)
			where := fmt.Sprintf("%s as %s", l.name(), caller)
			m.lacks(t, where, fmt.Sprint(a.Header))
			if strings.Contains(l.path, "/terraform/states/") && bitsOf(caller)&4 != 0 {
				a.Body = strings.ReplaceAll(a.Body, leak+"-state", "")
			}
			m.lacks(t, where, a.Body)
		}
	}
	m.lacks(t, "the log", j.String())
	require.Contains(t, j.String(), `"route":"GET /project/{project}/keys"`, "nothing was logged")
}

// TestSecretsAreNotRepeated sends secrets to every route that takes them, in
// bodies that work and in bodies with one wrong member, and looks at replies,
// logs and events.
func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, l := range copyMatrix(t).bodied(t) {
		t.Run(l.name(), func(t *testing.T) {
			t.Parallel()
			m, j := canaryMatrix(t)
			path := m.text(l.by, l.target(l.params()))
			var body any
			require.NoError(t, json.Unmarshal([]byte(m.text(l.by, l.body)), &body))
			for place := range places(body) {
				if secretMember(place) {
					body = replaced(body, place, leak+" in a request")
				}
			}
			for place := range places(body) {
				for _, wrong := range []any{"wrong", []any{1}, "\x00"} {
					if !secretMember(place) {
						m.lacks(t, place, m.offer(t, l, path, replaced(body, place, wrong)))
					}
				}
			}
			m.lacks(t, "the reply", m.offer(t, l, path, body))
			text, err := json.Marshal(body)
			require.NoError(t, err)
			m.lacks(t, "an error", m.send(l.by, l.method, path, string(text)+`"`, l.header...).Body)
			m.lacks(t, "the log", j.String())
			events, err := m.st.Events().List(t.Context(), store.AnyScope, store.Query{Limit: -1})
			require.NoError(t, err)
			m.lacks(t, "an event", fmt.Sprint(events.Items))
		})
	}
}

// offer sends a body. What a login answers with is meant to be secret.
func (m *matrix) offer(t *testing.T, l line, path string, body any) string {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	a := m.send(l.by, l.method, path, string(text), l.header...)
	if a.Status == http.StatusLocked {
		return "" // which shows who holds a lock
	}
	return a.Body
}

// secretMember tells that a member of a body is secret.
func secretMember(place string) bool {
	switch place[strings.LastIndex(place, ".")+1:] {
	case "password", "string", "secret", "passphrase", "private_key", "passcode", "recovery_code", "registration_token", "current_password":
		return true
	}
	return false
}

// TestSecretsAreSealedInTheFile looks at the bytes of the database.
func TestSecretsAreSealedInTheFile(t *testing.T) {
	t.Parallel()
	m := copyMatrix(t)
	m.add("given", "owner", "/project/{p}/tasks", `{"template_id":{sibling},"secret":"{\"pw\":\"`+leak+`-task\"}"}`)
	snapshot, secrets, err := m.st.Tasks().Snapshot(t.Context(), m.ids["p"], m.ids["given"])
	require.NoError(t, err)
	require.NotEmpty(t, snapshot)
	m.lacks(t, "a snapshot", string(snapshot)+string(secrets))
	size := 0
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(m.path + suffix)
		require.NoError(t, err)
		size += len(data)
		m.lacks(t, "the file"+suffix, string(data))
	}
	require.Greater(t, size, 100_000, "that was not the database")
}

// TestFramesShowNoSecrets watches a task that was given a secret.
func TestFramesShowNoSecrets(t *testing.T) {
	t.Parallel()
	m, _ := canaryMatrix(t)
	conn := m.dial(t, m.serve(t), "admin", "")
	m.add("with_secret", "owner", "/project/{p}/tasks", `{"template_id":{sibling},"secret":"{\"pw\":\"`+leak+`-task\"}"}`)
	m.must(204, "owner", "POST", "/project/{p}/tasks/{with_secret}/stop", `{}`)
	m.lacks(t, "a frame", strings.Join(until(t, conn, `"status":"stopped"`), "\n"))
}
