package api_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
)

// TestRunnersOfTheVersionBeforeAreServed and no others: 401 is about the token,
// so the version was spoken.
func TestRunnersOfTheVersionBeforeAreServed(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, job.RemoteOldest, 1)
	require.Equal(t, max(1, job.RemoteVersion-1), job.RemoteOldest, "servers are updated first")
	w := newWorld(t, options{idle: true})
	for version := job.RemoteOldest; version <= job.RemoteVersion; version++ {
		a := w.do("", "POST", "/internal/runner/v1/hello", `{}`, job.RemoteVersionHeader, strconv.Itoa(version))
		require.Equal(t, 401, a.Status, version)
		require.Equal(t, strconv.Itoa(version), a.Header.Get(job.RemoteVersionHeader))
	}
	for _, version := range []string{"", "0", "-1", "+1", "01", "1.0", "x", strconv.Itoa(job.RemoteOldest - 1), strconv.Itoa(job.RemoteVersion + 1)} {
		a := w.do("", "POST", "/internal/runner/v1/hello", `{}`, job.RemoteVersionHeader, version)
		require.Equal(t, 426, a.Status, version)
		require.Contains(t, a.Body, "install the runner of the server's version")
		require.Equal(t, strconv.Itoa(job.RemoteVersion), a.Header.Get(job.RemoteVersionHeader))
	}
}

// TestARunnerThatEnrolsForAllNamesNoWebhook: it may be anywhere, so that an
// administrator says it.
func TestARunnerThatEnrolsForAllNamesNoWebhook(t *testing.T) {
	t.Parallel()
	for place, kept := range map[string]string{`{"name":"x"}`: "", `{"name":"x","project_id":{p}}`: "https://hook.example.org/x"} {
		w, _, url := farWorld(t, options{idle: true}, openMemory)
		var made struct{ Token string }
		require.NoError(t, decodeAnswer(w.created("place", "admin", "/runners/enrollment", place), &made))
		_, public, err := crypto.GenerateBoxKey()
		require.NoError(t, err)
		_, err = job.EnrollRunner(t.Context(), job.EnrollConfig{
			URL: url, Token: made.Token, PublicKey: public.String(), Webhook: "https://hook.example.org/x",
			HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		})
		require.NoError(t, err)
		require.Equal(t, kept, onlyRunner(t, w).Webhook, place)
	}
}
