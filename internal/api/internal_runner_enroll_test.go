package api_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

func TestRunnerRegistration(t *testing.T) {
	t.Parallel()
	o := options{idle: true, api: func(c *api.Config) { c.Settings.RunnerRegistrationToken = registration }}
	backends(t, o, func(t *testing.T, w *world) {
		w.play([]scenario{
			{name: "with the token", as: "nobody", method: "POST", path: "/internal/runners", body: `{"registration_token":"` + registration + `","webhook":"","max_parallel_tasks":3,"public_key":""}`, status: 200, contains: []string{`{"token":"`}, after: func(t *testing.T, w *world, a answer) {
				var made struct{ Token string }
				require.NoError(t, decodeAnswer(a, &made))
				row := onlyRunner(t, w)
				require.Equal(t, crypto.HashToken(made.Token), row.TokenHash)
				require.False(t, row.Active, "somebody has to switch it on")
				require.Equal(t, 3, row.MaxParallelTasks)
				require.Nil(t, row.PublicKey)
				w.tokens["far"] = made.Token
			}},
			{name: "not without", as: "nobody", method: "POST", path: "/internal/runners", body: `{"webhook":""}`, status: 400},
			{name: "not with another", as: "nobody", method: "POST", path: "/internal/runners", body: `{"registration_token":"x"}`, status: 400},
			{name: "not with a key that is none", as: "nobody", method: "POST", path: "/internal/runners", body: `{"registration_token":"` + registration + `","public_key":"x"}`, status: 400, contains: []string{"public_key"}},
			{name: "of a later protocol", as: "nobody", method: "POST", path: "/internal/runner/v1/enroll", header: []string{job.RemoteVersionHeader, "2"}, body: `{}`, status: 426, contains: []string{"version 1", "install"}},
			{name: "of none", as: "nobody", method: "POST", path: "/internal/runner/v1/claim", body: `{}`, status: 426, contains: []string{"install"}},
			{name: "without a key to seal for", as: "nobody", method: "POST", path: "/internal/runner/v1/enroll", header: []string{job.RemoteVersionHeader, "1"}, body: `{"registration_token":"` + registration + `"}`, status: 400, contains: []string{"public_key"}},
			{name: "no token, no call", as: "nobody", method: "POST", path: "/internal/runner/v1/hello", header: []string{job.RemoteVersionHeader, "1"}, body: `{}`, status: 401},
			{name: "nor with that of a person", as: "admin", method: "POST", path: "/internal/runner/v1/hello", header: []string{job.RemoteVersionHeader, "1"}, body: `{}`, status: 401},
			{name: "nor without a session", as: "far", method: "POST", path: "/internal/runner/v1/claim", header: []string{job.RemoteVersionHeader, "1"}, body: `{}`, status: 409},
			{name: "nor of a session that is none", as: "far", method: "POST", path: "/internal/runner/v1/claim", header: []string{job.RemoteVersionHeader, "1", job.RemoteSessionHeader, "v1.x"}, body: `{}`, status: 409},
			{name: "unknown calls", as: "far", method: "POST", path: "/internal/runner/v1/dance", header: []string{job.RemoteVersionHeader, "1"}, body: `{}`, status: 404},
			{name: "unregistered without a token", as: "nobody", method: "DELETE", path: "/internal/runners", status: 401},
			{name: "with another's", as: "nobody", method: "DELETE", path: "/internal/runners", header: []string{"X-Runner-Token", "x"}, status: 404},
		})
		a := w.do("", "DELETE", "/internal/runners", "", "X-Runner-Token", w.tokens["far"])
		require.Equal(t, http.StatusNoContent, a.Status, a.Body)
		require.Contains(t, eventTexts(t, w), `Runner "" unregistered itself`)
	})
}

// onlyRunner is the only runner there is.
func onlyRunner(t *testing.T, w *world) store.Runner {
	t.Helper()
	page, err := w.st.Runners().List(t.Context(), store.AnyScope, store.Query{})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	return page.Items[0]
}

func TestRunnerEnrollmentWorksOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var ahead atomic.Int64
	o := options{idle: true, api: func(c *api.Config) { c.Now = func() time.Time { return now.Add(time.Duration(ahead.Load())) } }}
	w, _, url := farWorld(t, o, openSQLite)
	w.play([]scenario{
		{name: "not by others", method: "POST", path: "/runners/enrollment", body: `{"name":"x"}`, status: 403},
		{name: "not for ever", as: "admin", method: "POST", path: "/runners/enrollment", body: `{"name":"x","expires_hours":721}`, status: 400, contains: []string{"expires_hours"}},
		{name: "not for a project that is none", as: "admin", method: "POST", path: "/runners/enrollment", body: `{"name":"x","project_id":99}`, status: 400},
	})
	made := w.created("place", "admin", "/runners/enrollment", `{"name":"gpu box","tag":"gpu","project_id":{p},"max_parallel_tasks":7,"expires_hours":2}`)
	var place struct{ Token string }
	require.NoError(t, decodeAnswer(made, &place))
	require.Contains(t, made.Body, "enroll_before")
	require.Equal(t, 401, w.do("", "POST", "/internal/runner/v1/hello", `{}`, job.RemoteVersionHeader, "1", "Authorization", "Bearer "+place.Token).Status, "it is no runner's")
	_, public, err := crypto.GenerateBoxKey()
	require.NoError(t, err)
	enroll := func() (string, error) {
		return job.EnrollRunner(t.Context(), job.EnrollConfig{URL: url, Token: place.Token, PublicKey: public.String(), Name: "my host", HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	}
	ahead.Store(int64(3 * time.Hour))
	_, err = enroll()
	require.ErrorIs(t, err, job.ErrEnrollRefused, "it has expired")
	ahead.Store(0)
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if token, err := enroll(); err == nil && len(token) == 44 {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load(), "of many at once one wins")
	row := onlyRunner(t, w)
	require.Equal(t, w.ids["place"], row.ID)
	require.Equal(t, "gpu box", row.Name)
	require.Equal(t, "gpu", row.Tag)
	require.Equal(t, w.ids["p"], *row.ProjectID)
	require.Equal(t, 7, row.MaxParallelTasks)
	require.True(t, row.Active)
	require.Equal(t, public.String(), *row.PublicKey)
	require.Nil(t, row.EnrollBefore)
	require.NotContains(t, w.dump(), place.Token)
	for range 40 {
		_, err = enroll()
	}
	require.ErrorContains(t, err, "too many", "guessing is slow")
}

func TestWhoTriesTokensKeepsNoRunnerOut(t *testing.T) {
	t.Parallel()
	o := options{idle: true, api: func(c *api.Config) { c.Settings.RunnerRegistrationToken = registration }}
	w, _, url := farWorld(t, o, openSQLite)
	made := w.created("place", "admin", "/runners/enrollment", `{"name":"late"}`)
	var place struct{ Token string }
	require.NoError(t, decodeAnswer(made, &place))
	_, public, err := crypto.GenerateBoxKey()
	require.NoError(t, err)
	enroll := func(token string) error {
		_, err := job.EnrollRunner(t.Context(), job.EnrollConfig{URL: url, Token: token, PublicKey: public.String(), HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
		return err
	}
	for range 30 {
		require.ErrorIs(t, enroll("guess"), job.ErrEnrollRefused)
	}
	require.ErrorContains(t, enroll("guess"), "429")
	require.ErrorContains(t, enroll(registration), "429", "which might have been guessed")
	require.NoError(t, enroll(place.Token), "which nobody guesses")
	require.ErrorContains(t, enroll(place.Token), "429", "once")
}
