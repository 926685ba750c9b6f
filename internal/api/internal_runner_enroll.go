package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// registrationInput is what a runner says when it registers.
type registrationInput struct {
	RegistrationToken string `json:"registration_token"`
	Name              string `json:"name"`
	Webhook           string `json:"webhook"`
	MaxParallelTasks  int    `json:"max_parallel_tasks"`
	PublicKey         string `json:"public_key"`
	// Nonce makes the call one that can be made again: by the same token, key and
	// nonce it is answered the same for 10 to 20 minutes, until the runner has
	// called with what it got. 20 to 64 letters and digits at random.
	Nonce string `json:"nonce,omitempty"`
}

// registrationReply is what it gets, once.
type registrationReply struct {
	Token string `json:"token"`
}

// row checks what a runner says and makes a row of it.
func (in registrationInput) row() (store.Runner, error) {
	var row store.Runner
	out := runnerInput{Name: in.Name, Webhook: in.Webhook, MaxParallelTasks: in.MaxParallelTasks}
	if err := out.apply(&row); err != nil {
		return row, err
	}
	if in.PublicKey == "" {
		return row, nil
	}
	text := in.PublicKey
	if strings.HasPrefix(text, boxPublic) {
		public, err := crypto.ParseBoxPublic(text)
		if err != nil {
			return row, invalid("public_key", "is no key: %s", err.Error())
		}
		text = public.String()
	} else {
		public, err := crypto.ParseOldRunnerPublic([]byte(text))
		if err != nil {
			return row, invalid("public_key", "is neither one that begins with %s nor an RSA key in PEM", boxPublic)
		}
		text = string(public.PEM())
	}
	row.PublicKey = &text
	return row, nil
}

// registerRunner adds a runner by the registration token of the configuration.
// It takes tasks once an administrator has switched it on.
func registerRunner(c *call) error {
	var in registrationInput
	if err := c.decode(&in); err != nil {
		return err
	}
	wrong := answer(http.StatusBadRequest, "wrong registration token, or registration is switched off: see runner_registration_token")
	return c.register(in, wrong)
}

// enrollRunner is registerRunner for this protocol, where one-use tokens count
// too.
func enrollRunner(c *call) error {
	if err := c.speaks(); err != nil {
		return err
	}
	var in registrationInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if !strings.HasPrefix(in.PublicKey, boxPublic) {
		return invalid("public_key", "is missing: secrets are sealed for it")
	}
	return c.register(in, answer(http.StatusUnauthorized, "the registration token is wrong, used or expired: ask an administrator for another"))
}

// register adds the runner that a token stands for.
func (c *call) register(in registrationInput, wrong error) error {
	row, err := in.row()
	if err != nil {
		return err
	}
	tokens, err := c.runnerTokens(in)
	if err != nil {
		return err
	}
	token := tokens[0]
	if known, err := c.registered(tokens, wrong); err != nil || known != "" {
		return c.given(known, err)
	}
	row.TokenHash = crypto.HashToken(token)
	spent := c.s.enrolling.spent(c.s.cfg.Now())
	if want := c.s.cfg.Settings.RunnerRegistrationToken; !spent && want != "" && crypto.Equal(in.RegistrationToken, want) {
		err = c.addRunner(row, "Runner %q registered itself")
	} else {
		err = c.fillPlace(row, in.RegistrationToken, wrong)
	}
	if errors.Is(err, wrong) || errors.Is(err, store.ErrConflict) { // a call with the same nonce may have been faster
		if known, failed := c.registered(tokens, wrong); failed != nil || known != "" {
			return c.given(known, failed)
		}
		err = wrong
	}
	if errors.Is(err, wrong) {
		c.s.enrolling.fail()
		if spent {
			err = &reply{status: http.StatusTooManyRequests, text: "too many wrong registration tokens: try again later", after: time.Minute}
		}
	}
	return c.given(token, err)
}

// given answers with the token of a runner.
func (c *call) given(token string, err error) error {
	if err != nil {
		return err
	}
	c.private()
	return c.json(http.StatusOK, registrationReply{token})
}

func (c *call) addRunner(row store.Runner, what string) error {
	return c.s.st.InTx(c.ctx(), func(ctx context.Context, tx store.Store) error {
		return c.createRunner(ctx, tx, row, what)
	})
}

// createRunner stores a runner that came by itself.
func (c *call) createRunner(ctx context.Context, tx store.Store, row store.Runner, what string) error {
	row, err := tx.Runners().Create(ctx, row)
	if err != nil {
		return err
	}
	e := store.Event{ProjectID: row.ProjectID, ObjectID: &row.ID, ObjectType: store.EventRunner, Description: fmt.Sprintf(what, row.Name), Created: c.s.cfg.Now()}
	return tx.Events().Add(ctx, e)
}

// fillPlace makes the runner that an administrator has made a place for. The
// place is removed and the runner made under its id, so that of two who come
// with one token only one succeeds.
func (c *call) fillPlace(row store.Runner, token string, wrong error) error {
	if token == "" {
		return wrong
	}
	return c.s.st.InTx(c.ctx(), func(ctx context.Context, tx store.Store) error {
		page, err := tx.Runners().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"token_hash": crypto.HashToken(token)}, Limit: 1})
		if err != nil {
			return err
		}
		if len(page.Items) == 0 || page.Items[0].EnrollBefore == nil || !c.s.cfg.Now().Before(*page.Items[0].EnrollBefore) {
			return wrong
		}
		place := page.Items[0]
		if err := tx.Runners().Delete(ctx, sessionAD(place).ProjectID, place.ID); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				return wrong
			}
			return err
		}
		place.EnrollBefore, place.TokenHash, place.PublicKey = nil, row.TokenHash, row.PublicKey
		if place.Name == "" {
			place.Name = row.Name
		}
		if place.Webhook == "" && place.ProjectID != nil { // that of a runner of all may be anywhere: an administrator says it
			place.Webhook = row.Webhook
		}
		return c.createRunner(ctx, tx, place, "Runner %q enrolled")
	})
}

// unregisterRunner removes the runner whose token is sent.
func unregisterRunner(c *call) error {
	token := c.r.Header.Get("X-Runner-Token")
	row, err := c.runnerOf(token)
	var r *reply
	if token != "" && errors.As(err, &r) && r.status == http.StatusUnauthorized {
		return answer(http.StatusNotFound, "runner not found")
	}
	if err != nil {
		return err
	}
	return c.dropRunner(row)
}

// dropRunner removes the runner that calls.
func (c *call) dropRunner(row store.Runner) error {
	if err := c.s.st.Runners().Delete(c.ctx(), sessionAD(row).ProjectID, row.ID); err != nil {
		return named(err, "runner")
	}
	e := store.Event{ProjectID: row.ProjectID, ObjectID: &row.ID, ObjectType: store.EventRunner, Description: fmt.Sprintf("Runner %q unregistered itself", row.Name), Created: c.s.cfg.Now()}
	if err := c.s.st.Events().Add(context.WithoutCancel(c.ctx()), e); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// tries counts wrong tokens within a minute.
type tries struct {
	mu    sync.Mutex
	since time.Time
	n     int
}

// enrollTries is how many wrong tokens a minute are held against the token of the
// configuration, from everywhere: one that people chose must not be found by
// trying. One-use tokens are made at random and work at any time, so that who
// tries keeps nobody out.
const enrollTries = 30

// spent tells whether nothing more is looked at now.
func (t *tries) spent(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.since).Abs() > time.Minute {
		t.since, t.n = now, 0
	}
	return t.n >= enrollTries
}

func (t *tries) fail() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}
