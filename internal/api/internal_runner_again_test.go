package api_test

import (
	"crypto/rand"
	"net/http"
	"strings"
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

// registering is a runner that comes with a token, and with what it keeps.
type registering struct {
	t          *testing.T
	url, token string
	key        crypto.BoxPrivate
	nonce      string
	client     *http.Client
}

func newRegistering(t *testing.T, url, token string) *registering {
	t.Helper()
	key, _, err := crypto.GenerateBoxKey()
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return &registering{t: t, url: url, token: token, key: key, nonce: rand.Text(), client: client}
}

func (r *registering) enroll() (string, error) {
	return job.EnrollRunner(r.t.Context(), job.EnrollConfig{URL: r.url, Token: r.token, PublicKey: r.key.Public().String(), Nonce: r.nonce, HTTP: r.client})
}

// cutsOff registers while answers get lost.
func (r *registering) cutsOff(x *wire) {
	r.t.Helper()
	x.set(func() { x.lose = func(path string) bool { return strings.HasSuffix(path, "/enroll") } })
	_, err := r.enroll()
	require.Error(r.t, err)
	require.NotErrorIs(r.t, err, job.ErrEnrollRefused)
	x.set(func() { x.lose = nil })
}

// clock is one that a test puts on.
type clock struct {
	begun time.Time
	ahead atomic.Int64
}

func (c *clock) now() time.Time { return c.begun.Add(time.Duration(c.ahead.Load())) }

func TestARegistrationWhoseAnswerWasLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	for name, ofPlace := range map[string]bool{"with a token that works once": true, "with that of the server": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{begun: time.Unix(1_800_000_000, 0)} // where a period begins
			w, x, url := farWorld(t, options{idle: true, api: func(cfg *api.Config) { cfg.Now = c.now }}, openSQLite)
			token := registration
			if ofPlace {
				token = w.place(t)
			}
			r := newRegistering(t, url, token)
			r.cutsOff(x)
			row := onlyRunner(t, w)
			require.Nil(t, row.EnrollBefore, "the server has made it")

			other := *r
			other.nonce = rand.Text()
			thief := newRegistering(t, url, token)
			thief.nonce = r.nonce
			if ofPlace {
				_, err := other.enroll()
				require.ErrorIs(t, err, job.ErrEnrollRefused, "with another nonce it is another call")
				_, err = thief.enroll()
				require.ErrorIs(t, err, job.ErrEnrollRefused, "with another key it is another runner")
			}
			c.ahead.Store(int64(10 * time.Minute))
			first, err := r.enroll()
			require.NoError(t, err)
			require.Len(t, first, 43)
			require.Equal(t, row.ID, onlyRunner(t, w).ID, "there is no second one")
			require.Equal(t, crypto.HashToken(first), onlyRunner(t, w).TokenHash)
			again, err := r.enroll()
			require.NoError(t, err)
			require.Equal(t, first, again)
			require.NotContains(t, w.dump(), first)

			source, err := job.NewRemote(job.RemoteConfig{URL: url, Token: first, Key: r.key, PublicKey: r.key.Public().String(), HTTP: r.client, Log: quiet()})
			require.NoError(t, err)
			require.NoError(t, source.Leave(t.Context()))
			_, err = r.enroll()
			require.ErrorIs(t, err, job.ErrEnrollRefused, "a runner that calls with its token has it")
			require.Equal(t, row.ID, onlyRunner(t, w).ID)
		})
	}
}

func TestARegistrationIsNotAnsweredTheSameForEver(t *testing.T) {
	t.Parallel()
	c := &clock{begun: time.Unix(1_800_000_000, 0)}
	w, x, url := farWorld(t, options{idle: true, api: func(cfg *api.Config) { cfg.Now = c.now }}, openSQLite)
	r := newRegistering(t, url, w.place(t))
	r.cutsOff(x)
	row := onlyRunner(t, w)
	c.ahead.Store(int64(20*time.Minute - time.Second))
	_, err := r.enroll()
	require.NoError(t, err)
	c.ahead.Store(int64(20 * time.Minute))
	_, err = r.enroll()
	require.ErrorIs(t, err, job.ErrEnrollRefused)
	require.Equal(t, row.TokenHash, onlyRunner(t, w).TokenHash)
}

func TestManyCallsOfOneRegistrationMakeOneRunner(t *testing.T) {
	t.Parallel()
	for name, ofPlace := range map[string]bool{"with a token that works once": true, "with that of the server": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			backends(t, options{idle: true, api: func(c *api.Config) { c.Settings.RunnerRegistrationToken = registration }}, func(t *testing.T, w *world) {
				token := registration
				if ofPlace {
					token = w.place(t)
				}
				_, public, err := crypto.GenerateBoxKey()
				require.NoError(t, err)
				body := `{"registration_token":"` + token + `","public_key":"` + public.String() + `","nonce":"` + rand.Text() + `"}`
				var wg sync.WaitGroup
				var bodies [8]answer
				for i := range bodies {
					wg.Go(func() { bodies[i] = w.do("", "POST", "/internal/runner/v1/enroll", body, job.RemoteVersionHeader, "1") })
				}
				wg.Wait()
				for _, a := range bodies {
					require.Equal(t, http.StatusOK, a.Status, a.Body)
					require.Equal(t, bodies[0].Body, a.Body)
				}
				onlyRunner(t, w)
			})
		})
	}
}

func TestANonceThatIsGuessedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true, api: func(c *api.Config) { c.Settings.RunnerRegistrationToken = registration }})
	_, public, err := crypto.GenerateBoxKey()
	require.NoError(t, err)
	for _, nonce := range []string{"x", strings.Repeat("x", 19), strings.Repeat("x", 65), strings.Repeat("x y", 10)} {
		body := `{"registration_token":"` + registration + `","public_key":"` + public.String() + `","nonce":"` + nonce + `"}`
		a := w.do("", "POST", "/internal/runner/v1/enroll", body, job.RemoteVersionHeader, "1")
		require.Equal(t, http.StatusBadRequest, a.Status, a.Body)
		require.Contains(t, a.Body, "nonce")
	}
	page, err := w.st.Runners().List(t.Context(), store.AnyScope, store.Query{})
	require.NoError(t, err)
	require.Empty(t, page.Items)
}

// place makes room for a runner and returns the token that fills it.
func (w *world) place(t *testing.T) string {
	t.Helper()
	var place struct{ Token string }
	require.NoError(t, decodeAnswer(w.created("place", "admin", "/runners/enrollment", `{"name":"box"}`), &place))
	return place.Token
}
