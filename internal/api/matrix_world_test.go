package api_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
)

// matrix is a world with one of everything in both projects, and whoever may
// call. What is of {q} is called {q_key} and so on.
type matrix struct {
	*world
	vars    map[string]string   // what {name} stands for beside the ids of the world
	headers map[string][]string // credentials of those who have no token
	totp    map[string]string   // what makes the passcodes among the variables
	path    string              // of the file
	watch   func() int64        // see writes; nil on other stores
	watched int64
}

// leak begins every text that is secret.
const leak = "canary-matrix"

// callers are all kinds of people that a route may meet.
func callers() []string {
	return []string{"nobody", "guest", "task_runner", "manager", "owner", "admin", "stranger", "expired", "pending", "reader", "runner"}
}

// hostKey is a public key that anybody may know.
const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

func matrixOptions(t *testing.T, change ...func(*api.Config)) options {
	return options{idle: true, api: func(c *api.Config) {
		c.Secrets = &fakeSecrets{kept: map[string]string{}}
		c.Alerts = fakeAlerts{}
		c.SignIns = &fakeSignIns{who: auth.External{Source: "corp", Issuer: "https://id.example.org", Subject: "7", Username: "eve", Name: "Eve", Email: "eve@example.org"}, returnTo: "/"}
		c.Settings = api.Settings{
			TOTP: true, TOTPRecovery: true, InvitesEnabled: true, InviteType: "both", MembersCanLeave: true,
			RunnerRegistrationToken: registrationToken, DumpDir: t.TempDir(), GitClient: "cmd_git", Timezone: "UTC", Ansible: ansibleIsMissing,
		}
		for _, f := range change {
			f(c)
		}
	}}
}

// newMatrix makes everything anew.
func newMatrix(t *testing.T, open func(*testing.T) (store.Store, func() string), change ...func(*api.Config)) *matrix {
	m := &matrix{world: newWorldOn(t, matrixOptions(t, change...), open), vars: map[string]string{}, headers: map[string][]string{}}
	m.people()
	m.furnish("", "owner")
	m.furnish("q_", "stranger")
	m.instance()
	return m
}

// people are those beyond the roles of the world.
func (m *matrix) people() {
	ctx := m.t.Context()
	hash, err := m.auth.HashPassword(password)
	require.NoError(m.t, err)
	for _, name := range []string{"spare", "waiting"} {
		u, err := m.st.Users().Create(ctx, store.User{Username: name, Name: name, Email: name + "@example.org", Password: hash})
		require.NoError(m.t, err)
		m.ids[name] = u.ID
	}
	_, err = m.st.Projects().Members().Create(ctx, store.Member{ProjectID: m.ids["p"], UserID: m.ids["waiting"], Role: "owner"})
	require.NoError(m.t, err)
	url, row := m.enroll("waiting")
	m.vars["recovery"], m.totp = row.RecoveryCode, map[string]string{"passcode": url}
	m.headers["pending"] = m.signInAs("waiting")
	for _, name := range append([]string{"expired"}, people...) {
		user := name
		if name == "expired" {
			user = "owner"
		}
		who, err := m.auth.SignIn(ctx, auth.Client{}, user, password)
		require.NoError(m.t, err)
		m.ids["session_of_"+name] = who.Session.ID
		rec := httptest.NewRecorder()
		m.auth.SetCookie(rec, httptest.NewRequestWithContext(ctx, "GET", "/", nil), who.Cookie)
		m.headers["cookie_of_"+name] = []string{"Cookie", strings.SplitN(rec.Header().Get("Set-Cookie"), ";", 2)[0]}
	}
	session, err := m.st.Users().Sessions().Get(ctx, m.ids["owner"], m.ids["session_of_expired"])
	require.NoError(m.t, err)
	session.LastActive = session.LastActive.Add(-8 * 24 * time.Hour)
	require.NoError(m.t, m.st.Users().Sessions().Update(ctx, session))
	m.headers["expired"] = m.headers["cookie_of_expired"]
	require.Equal(m.t, 401, m.as("expired", "GET", "/user", "").Status)
	m.tokens["reader"], _, err = m.auth.NewToken(ctx, m.ids["owner"], auth.TokenOptions{Name: "reader", Scopes: []string{"read"}})
	require.NoError(m.t, err)
	for name, user := range map[string]string{"totp": "guest", "q_totp": "stranger"} {
		row, err := m.auth.EnrollTOTP(ctx, m.ids[user])
		require.NoError(m.t, err)
		m.ids[name] = row.ID
		m.totp["passcode_of_"+user] = row.URL
	}
	m.passcodes()
}

// instance makes what is of no project.
func (m *matrix) instance() {
	runner, err := m.st.Runners().Create(m.t.Context(), store.Runner{Name: "anywhere", TokenHash: crypto.HashToken(runnerToken), Active: true})
	require.NoError(m.t, err)
	m.ids["any_runner"] = runner.ID
	m.headers["runner"] = []string{"Authorization", "Bearer " + runnerToken}
	m.must(201, "admin", "POST", "/roles", `{"slug":"auditor","name":"Auditor","permissions":1}`)
	m.vars["any_role"], m.vars["app"] = "auditor", "python"
	_, box, err := crypto.GenerateBoxKey()
	require.NoError(m.t, err)
	m.vars["call"], m.vars["box"] = "hello", box.String()
	m.vars["provider"], m.vars["path"] = "corp", "somewhere"
	var pair struct {
		Refresh string `json:"refresh_token"`
	}
	m.must(200, "nobody", "POST", "/auth/token", `{"auth":"guest","password":"`+password+`"}`).decode(m.t, &pair)
	m.vars["refresh"] = pair.Refresh
	key, err := crypto.GenerateOldRunnerKey()
	require.NoError(m.t, err)
	m.vars["rsa"] = quoted(m.t, string(key.Public().PEM()))
}

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// text fills in what is of the caller, the variables, and the ids.
func (m *matrix) text(as, text string) string {
	who := as
	if _, known := m.users[as]; !known {
		who = "owner"
	}
	if !strings.Contains(text, "{") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		name = name[1 : len(name)-1]
		switch name {
		case "my_session":
			return fmt.Sprint(m.ids["session_of_"+who])
		case "nothing":
			return "987654321"
		case "my_token":
			return m.tokens[who][:8]
		}
		if value, ok := m.vars[name]; ok {
			return value
		}
		if id, ok := m.ids[name]; ok {
			return fmt.Sprint(id)
		}
		return "{" + name + "}"
	})
}

// as sends a request with the credentials of a caller; further headers replace
// them.
func (m *matrix) as(caller, method, path, body string, header ...string) answer {
	m.t.Helper()
	return m.send(caller, method, m.text(caller, path), m.text(caller, body), header...)
}

// send is as for a path and a body that are filled in already.
func (m *matrix) send(caller, method, path, body string, header ...string) answer {
	m.t.Helper()
	header = append(append([]string{}, m.headers[caller]...), header...)
	if token := m.tokens[caller]; token != "" {
		header = append([]string{"Authorization", "Bearer " + token}, header...)
	}
	return m.raw(method, "http://semaphore.example.org/api"+path, body, header...)
}

// raw sends a request as it is.
func (w *world) raw(method, url, body string, header ...string) answer {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	res := rec.Result()
	data, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	return answer{Status: res.StatusCode, Header: res.Header, Body: string(data)}
}

// must sends a request that has to succeed.
func (m *matrix) must(status int, caller, method, path, body string, header ...string) answer {
	m.t.Helper()
	a := m.as(caller, method, path, body, header...)
	require.Equal(m.t, status, a.Status, "%s %s: %s", method, path, a.Body)
	return a
}

// quiet is a log that nobody reads.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// wantError checks the shape of a refusal.
func wantError(t *testing.T, a answer) {
	t.Helper()
	require.Equal(t, "application/json", a.Header.Get("Content-Type"), a.Body)
	var e struct{ Error string }
	a.decode(t, &e)
	require.NotEmpty(t, e.Error, a.Body)
	require.Less(t, a.Status, http.StatusInternalServerError, a.Body)
}
