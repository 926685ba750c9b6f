package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Claim asks for tasks, for as long as the server holds the answer back.
// Caches are cleared first where an administrator has asked for that.
func (r *RemoteSource) Claim(ctx context.Context, free int) ([]Assignment, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	r.mu.Lock()
	cleaned := r.cleaned
	r.mu.Unlock()
	var reply RemoteClaimed
	if err := r.call(ctx, "claim", RemoteClaim{Free: free, Held: r.leases(), Cleaned: cleaned}, &reply); err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	r.mu.Lock()
	for i := range reply.Assignments {
		a := &reply.Assignments[i]
		a.Spec, a.Prepare = nil, func(ctx context.Context) (*Spec, error) { return r.spec(ctx, a.Lease) }
		r.held[a.Lease] = StopNone
	}
	r.mu.Unlock()
	notify(r.changed)
	if reply.Clean != nil && r.cfg.Clean != nil {
		if err := r.cfg.Clean(ctx); err != nil && !errors.Is(err, ErrCacheInUse) {
			r.cfg.Log.Warn("clear caches", "error", err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleaned = reply.Clean
	return reply.Assignments, nil
}

// spec fetches what a task is to do. A server that does not answer is asked
// again until ctx ends, with the task's stop or its loss.
func (r *RemoteSource) spec(ctx context.Context, lease Lease) (*Spec, error) {
	var reply RemoteSpec
	err := r.persist(ctx, "spec", RemoteLease{Lease: lease}, &reply)
	switch {
	case errors.Is(err, ErrRevoked):
		return nil, fmt.Errorf("%w: %w", ErrLeaseLost, err)
	case err != nil:
		return nil, fmt.Errorf("fetch spec: %w", err)
	case reply.NotBegun != "":
		return nil, fmt.Errorf("%w: %s", ErrNotBegun, reply.NotBegun)
	case reply.Failed != "":
		return nil, errors.New(reply.Failed)
	}
	plain, err := r.cfg.Key.Open(reply.Sealed, remoteTaskContext(lease))
	if err != nil {
		return nil, fmt.Errorf("spec: %w: it was not sealed for this attempt and the key of this runner", err)
	}
	return DecodeSpec(bytes.NewReader(plain))
}

// Extend keeps leases alive. A runner that was revoked has none any more.
func (r *RemoteSource) Extend(ctx context.Context, leases []Lease) ([]Signal, error) {
	var reply RemoteSignals
	err := r.call(ctx, "extend", RemoteLeases{Leases: leases}, &reply)
	if errors.Is(err, ErrRevoked) {
		for _, l := range leases {
			reply.Signals = append(reply.Signals, Signal{Lease: l, Gone: true})
		}
		return reply.Signals, nil
	}
	if err != nil {
		return nil, fmt.Errorf("extend: %w", err)
	}
	r.learn(reply.Signals)
	return reply.Signals, nil
}

// learn remembers which stops are known.
func (r *RemoteSource) learn(signals []Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range signals {
		if _, held := r.held[s.Lease]; held {
			r.held[s.Lease] = s.Stop
		}
	}
}

// Append hands a report over.
func (r *RemoteSource) Append(ctx context.Context, lease Lease, report Report) error {
	return lost(r.call(ctx, "append", RemoteAppend{Lease: lease, Report: report}, nil))
}

// Finish ends the lease.
func (r *RemoteSource) Finish(ctx context.Context, lease Lease, res Result) error {
	err := lost(r.call(ctx, "finish", RemoteFinish{Lease: lease, Result: res}, nil))
	if err == nil || errors.Is(err, ErrLeaseLost) {
		r.forget(lease)
	}
	return err
}

// lost makes the loss of a lease of a revoked token.
func lost(err error) error {
	if errors.Is(err, ErrRevoked) {
		return fmt.Errorf("%w: %w", ErrLeaseLost, err)
	}
	return err
}

// Signals tells when [RemoteSource.Run] has heard of a stop.
func (r *RemoteSource) Signals() <-chan struct{} { return r.signals }

// Run listens for stops, which otherwise arrive with the next extension of a
// lease, until ctx ends: then it returns nil. It returns [ErrRevoked] once the
// server does not know the token any more. Run it beside the Worker.
func (r *RemoteSource) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait backoff
	for ctx.Err() == nil {
		known := r.known()
		if len(known) == 0 {
			select {
			case <-ctx.Done():
			case <-r.changed:
			case <-r.revoked:
				return ErrRevoked
			}
			continue
		}
		err := r.hear(ctx, known)
		switch {
		case errors.Is(err, ErrRevoked):
			notify(r.signals)
			return ErrRevoked
		case err != nil:
			pause(ctx, wait.next())
		default:
			wait = 0
		}
	}
	return nil
}

// hear asks once for news about leases.
func (r *RemoteSource) hear(ctx context.Context, known []Signal) error {
	ctx, cancel := within(ctx)
	defer cancel()
	var reply RemoteSignals
	err := guard(func() error { return r.call(ctx, "signals", RemoteSignals{Signals: known}, &reply) })
	if err != nil {
		return err
	}
	if len(reply.Signals) > 0 {
		r.learn(reply.Signals)
		notify(r.signals)
		for _, s := range reply.Signals {
			if s.Gone {
				pause(ctx, minPoll) // until the Worker has dealt with it, the answer stays the same
				break
			}
		}
	}
	return nil
}

// known lists the leases with the stops that are known.
func (r *RemoteSource) known() []Signal {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Signal, 0, len(r.held))
	for l, stop := range r.held {
		list = append(list, Signal{Lease: l, Stop: stop})
	}
	return list
}
