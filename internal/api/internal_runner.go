package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// internalRunnerRoutes are what runners call; docs/runner-protocol.md describes
// them. They go by tokens of runners, which the handlers check.
func (s *Server) internalRunnerRoutes() []route {
	return []route{
		{method: "POST", path: "/internal/runners", right: anyone, open: true, handle: registerRunner},
		{method: "DELETE", path: "/internal/runners", right: anyone, open: true, handle: unregisterRunner},
		{method: "POST", path: "/internal/runner/v1/enroll", right: anyone, open: true, handle: enrollRunner},
		{method: "POST", path: runnerCallPath, right: anyone, open: true, limit: runnerStateLimit, handle: s.runnerCall},
	}
}

// runnerCallPath is where runners call, but to enrol; runnerCallRoute names it in
// figures and logs.
const (
	runnerCallPath  = "/internal/runner/v1/{call...}"
	runnerCallRoute = "POST " + runnerCallPath
)

// Limits of the bodies of runners. Sealed data travels as base64.
const (
	runnerBodyLimit   = 1 << 20
	runnerReportLimit = 16 << 20
	runnerStateLimit  = stateLimit/3*4 + 1<<20
)

// runnerCall is a call of a runner.
type runnerCall struct {
	*call
	row     store.Runner
	session runnerSession
	runner  *pool.Runner
}

// runnerMethod is a method of the protocol.
type runnerMethod struct {
	limit  int64
	handle func(runnerCall) error
}

// runnerMethods are those that need a session.
func runnerMethods() map[string]runnerMethod {
	return map[string]runnerMethod{
		"swept":        {runnerBodyLimit, runnerCall.swept},
		"leave":        {runnerBodyLimit, runnerCall.leave},
		"claim":        {runnerBodyLimit, runnerCall.claim},
		"spec":         {runnerBodyLimit, runnerCall.spec},
		"extend":       {runnerBodyLimit, runnerCall.extend},
		"signals":      {runnerBodyLimit, runnerCall.signals},
		"append":       {runnerReportLimit, runnerCall.append},
		"finish":       {runnerBodyLimit, runnerCall.finish},
		"state/lock":   {runnerBodyLimit, runnerCall.lockState},
		"state/unlock": {runnerBodyLimit, runnerCall.unlockState},
		"state/load":   {runnerBodyLimit, runnerCall.loadState},
		"state/save":   {runnerStateLimit, runnerCall.saveState},
		"bundle/save":  {4 << 20, runnerCall.saveBundle},
		"bundle/load":  {runnerBodyLimit, runnerCall.loadBundle},
	}
}

// runnerCall serves one call: version, token and session first.
func (s *Server) runnerCall(c *call) error {
	if err := c.speaks(); err != nil {
		return err
	}
	token, _ := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	row, err := c.runnerOf(token)
	if err != nil {
		return err
	}
	name := c.r.PathValue("call")
	switch name {
	case "hello":
		return c.hello(row)
	case "unregister":
		return c.dropRunner(row)
	}
	method, ok := runnerMethods()[name]
	if !ok {
		return answer(http.StatusNotFound, "no such call in protocol "+strconv.Itoa(job.RemoteVersion))
	}
	session, err := c.runnerSession(row)
	if err != nil {
		return err
	}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, method.limit)
	if err := c.touch(row); err != nil {
		return err
	}
	err = method.handle(runnerCall{call: c, row: row, session: session, runner: s.pool.Runner(row, session.Instance, session.Boot)})
	if errors.Is(err, pool.ErrClosing) { // which is nothing that the log has to tell
		(&reply{status: http.StatusServiceUnavailable, text: pool.ErrClosing.Error(), after: time.Second}).write(c.w)
		return nil
	}
	return runnerAnswer(err)
}

// runnerAnswer gives errors the statuses of the protocol.
func runnerAnswer(err error) error {
	switch {
	case errors.Is(err, job.ErrLeaseLost):
		return answer(http.StatusGone, "the lease is not valid any more, or not this runner's")
	case errors.Is(err, job.ErrStateConflict):
		return answer(http.StatusPreconditionFailed, job.ErrStateConflict.Error())
	case errors.Is(err, pool.ErrRunnerGone):
		return errRunnerUnknown()
	case errors.Is(err, pool.ErrRunnerInactive):
		return answer(http.StatusForbidden, pool.ErrRunnerInactive.Error())
	}
	return err
}

// speaks compares the versions of the protocol. The answer names that of the
// runner where it is spoken here.
func (c *call) speaks() error {
	c.private()
	spoken := c.r.Header.Get(job.RemoteVersionHeader)
	version, err := strconv.Atoi(spoken)
	if err != nil || version < job.RemoteOldest || version > job.RemoteVersion || spoken != strconv.Itoa(version) {
		c.w.Header().Set(job.RemoteVersionHeader, strconv.Itoa(job.RemoteVersion))
		return answer(http.StatusUpgradeRequired, fmt.Sprintf("this server speaks version %d of the protocol of runners, not %q: install the runner of the server's version", job.RemoteVersion, clip(spoken, 20)))
	}
	c.w.Header().Set(job.RemoteVersionHeader, spoken)
	return nil
}

func errRunnerUnknown() error {
	return answer(http.StatusUnauthorized, "no runner has this token: register it again")
}

// runnerOf finds the runner of a token. One that only registers a runner is
// none.
func (c *call) runnerOf(token string) (store.Runner, error) {
	if token == "" {
		return store.Runner{}, answer(http.StatusUnauthorized, "send the token of a runner")
	}
	page, err := c.s.st.Runners().List(c.ctx(), store.AnyScope, store.Query{Where: map[string]any{"token_hash": crypto.HashToken(token)}, Limit: 1})
	if err != nil {
		return store.Runner{}, err
	}
	if len(page.Items) == 0 || page.Items[0].EnrollBefore != nil {
		return store.Runner{}, errRunnerUnknown()
	}
	return page.Items[0], nil
}

// runnerSession is what hello has agreed upon. Runners carry it, sealed, so that
// every server of an installation knows it, before and after restarts.
type runnerSession struct {
	Instance string `json:"i"`
	Boot     string `json:"b"`
	Key      []byte `json:"k"`
}

func sessionAD(row store.Runner) crypto.AD {
	ad := crypto.AD{Table: "runner", ID: row.ID, Field: "session"}
	if row.ProjectID != nil {
		ad.ProjectID = *row.ProjectID
	}
	return ad
}

func (c *call) runnerSession(row store.Runner) (runnerSession, error) {
	var s runnerSession
	plain, err := c.s.cfg.Ring.Open(c.r.Header.Get(job.RemoteSessionHeader), sessionAD(row))
	if err == nil {
		err = json.Unmarshal(plain, &s)
	}
	if err != nil {
		return s, errSession()
	}
	return s, nil
}

func errSession() error {
	return answer(http.StatusConflict, "the session is not known here: say hello again")
}

// hello begins a session. The first public key of a runner binds its token:
// another one is refused.
func (c *call) hello(row store.Runner) error {
	var in job.RemoteHello
	if err := c.decode(&in); err != nil {
		return err
	}
	if !isName(in.Instance) || !isName(in.Boot) {
		return invalid("instance", "and boot are names of at most 64 letters, digits, - and _")
	}
	public, err := crypto.ParseBoxPublic(in.PublicKey)
	if err != nil {
		return invalid("public_key", "is none of this protocol: %s", err.Error())
	}
	if err := c.meet(row, in, public); err != nil {
		return err
	}
	s := runnerSession{Instance: in.Instance, Boot: in.Boot, Key: randomKey()}
	plain, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode session: %w", err)
	}
	ticket, err := c.s.cfg.Ring.Seal(plain, sessionAD(row))
	if err != nil {
		return err
	}
	key, err := crypto.SealTo(public, s.Key, job.RemoteSessionContext(in.Boot))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, job.RemoteSession{Session: ticket, Key: key})
}

func isName(text string) bool {
	return text != "" && len(text) <= 64 && strings.IndexFunc(text, notIDRune) < 0
}

// meet notes what a runner says of itself, and its key.
func (c *call) meet(row store.Runner, in job.RemoteHello, public crypto.BoxPublic) error {
	return c.editRunner(row, func(r *store.Runner) error {
		if r.PublicKey != nil && strings.HasPrefix(*r.PublicKey, boxPublic) && *r.PublicKey != public.String() {
			return answer(http.StatusUnprocessableEntity, "the token belongs to a runner with another key: put that key back (runner.private_key_file), or register anew")
		}
		text, now := public.String(), c.s.cfg.Now()
		r.PublicKey, r.Touched = &text, &now
		r.Version, r.Host = clip(printable(in.Version), 100), clip(printable(in.Host), 200)
		return nil
	})
}

// boxPublic begins the public keys of this protocol.
const boxPublic = "boxpub1."

// touchEvery is how often it is noted that a runner was heard of.
const touchEvery = time.Minute

// touch notes that a runner was heard of.
func (c *call) touch(row store.Runner) error {
	now := c.s.cfg.Now()
	if row.Touched != nil && now.Sub(*row.Touched).Abs() < touchEvery {
		return nil
	}
	return c.editRunner(row, func(r *store.Runner) error {
		r.Touched = &now
		return nil
	})
}

// editRunner changes the row of the runner that calls.
func (c *call) editRunner(row store.Runner, change func(*store.Runner) error) error {
	ad := sessionAD(row)
	return c.s.st.InTx(c.ctx(), func(ctx context.Context, tx store.Store) error {
		r, err := tx.Runners().Get(ctx, ad.ProjectID, ad.ID)
		if errors.Is(err, store.ErrNotFound) {
			return errRunnerUnknown()
		}
		if err != nil {
			return err
		}
		if err := change(&r); err != nil {
			return err
		}
		return tx.Runners().Update(ctx, r)
	})
}
