package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

func randomKey() []byte {
	key := make([]byte, job.RemoteKeySize)
	_, _ = rand.Read(key) // never fails: it ends the process instead
	return key
}

// printable drops control characters.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

// swept hears that earlier processes of the runner are dead.
func (c runnerCall) swept() error {
	var in job.RemoteSwept
	if err := c.decode(&in); err != nil {
		return err
	}
	for _, s := range in.Swept {
		c.s.log.Info("a runner has cleaned up after a dead run", "runner_id", c.row.ID, "task_id", s.Task.TaskID, "attempt", s.Task.Attempt,
			"processes", len(s.Processes), "state_saved", s.StateSaved)
	}
	if err := c.runner.Swept(c.ctx()); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// leave hears that the process of the runner goes.
func (c runnerCall) leave() error {
	var in job.RemoteLeases
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := c.runner.Leave(c.ctx(), in.Leases); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// claim waits for tasks. A wish to clear caches is told at once.
func (c runnerCall) claim() error {
	var in job.RemoteClaim
	if err := c.decode(&in); err != nil {
		return err
	}
	wait, asked := job.RemotePoll, c.row.CleaningRequested
	if asked != nil && in.Cleaned != nil && in.Cleaned.Equal(*asked) {
		err := c.editRunner(c.row, func(r *store.Runner) error {
			if r.CleaningRequested != nil && r.CleaningRequested.Equal(*asked) {
				r.CleaningRequested = nil
			}
			return nil
		})
		if err != nil {
			return err
		}
		asked = nil
	}
	if asked != nil {
		wait = 0
	}
	list, err := c.runner.Claim(c.ctx(), pool.RunnerClaim{Free: in.Free, Held: in.Held, Wait: wait})
	if err != nil {
		return err
	}
	if list == nil {
		list = []job.Assignment{}
	}
	return c.json(http.StatusOK, job.RemoteClaimed{Assignments: list, Clean: asked})
}

// spec hands out what a task is to do, sealed for the runner and the attempt.
func (c runnerCall) spec() error {
	var in job.RemoteLease
	if err := c.decode(&in); err != nil {
		return err
	}
	if c.row.PublicKey == nil {
		return answer(http.StatusUnprocessableEntity, "the runner has no key to seal secrets for: say hello with one")
	}
	public, err := crypto.ParseBoxPublic(*c.row.PublicKey)
	if err != nil {
		return answer(http.StatusUnprocessableEntity, "the runner has no key of this protocol to seal secrets for: say hello with one")
	}
	spec, err := c.runner.Spec(c.ctx(), in.Lease)
	switch {
	case errors.Is(err, job.ErrLeaseLost), errors.Is(err, store.ErrBusy), c.ctx().Err() != nil:
		return err
	case errors.Is(err, job.ErrNotBegun):
		return c.json(http.StatusOK, job.RemoteSpec{NotBegun: err.Error()})
	case err != nil:
		return c.json(http.StatusOK, job.RemoteSpec{Failed: err.Error()})
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encode spec: %w", err)
	}
	sealed, err := crypto.SealTo(public, text, crypto.TaskContext(in.Lease.TaskID, int64(in.Lease.Attempt)))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, job.RemoteSpec{Sealed: sealed})
}

func (c runnerCall) extend() error {
	var in job.RemoteLeases
	if err := c.decode(&in); err != nil {
		return err
	}
	signals, err := c.runner.Extend(c.ctx(), in.Leases)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, job.RemoteSignals{Signals: signals})
}

// signals waits for news about leases.
func (c runnerCall) signals() error {
	var in job.RemoteSignals
	if err := c.decode(&in); err != nil {
		return err
	}
	news, err := c.runner.Signals(c.ctx(), in.Signals, job.RemotePoll)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, job.RemoteSignals{Signals: news})
}

func (c runnerCall) append() error {
	var in job.RemoteAppend
	if err := c.decode(&in); err != nil {
		return err
	}
	for i := range in.Report.Lines {
		if in.Report.Lines[i].Time.IsZero() {
			in.Report.Lines[i].Time = c.s.cfg.Now()
		}
	}
	if err := c.runner.Append(c.ctx(), in.Lease, in.Report); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func (c runnerCall) finish() error {
	var in job.RemoteFinish
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := c.runner.Finish(c.ctx(), in.Lease, in.Result); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
