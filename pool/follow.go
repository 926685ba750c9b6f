package pool

import (
	"context"
	"iter"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// followPage is how many lines Follow reads at once.
const followPage = 1000

// Follow yields the output of a task from line number from on, each line once
// and in order, and ends when the task has ended and its last line is out. A
// task that runs in another process is followed by polling. An error ends it.
//
// To resume, give the Number of the last line seen plus one.
func (p *TaskPool) Follow(ctx context.Context, project, id, from int64) iter.Seq2[store.LogLine, error] {
	return func(yield func(store.LogLine, error) bool) {
		f := follower{pool: p, project: project, id: id, next: from}
		sub := p.Subscribe(Topic{ProjectID: project, TaskID: id})
		defer func() { sub.Close() }()
		for {
			t, err := p.Task(ctx, project, id) // before the lines: an ended task has no more of them
			more := false
			if err == nil {
				more, err = f.read(ctx, yield)
			}
			if err != nil {
				yield(store.LogLine{}, causeOf(ctx, err))
				return
			}
			if !more || t.Status.Finished() {
				return
			}
			if sub, err = p.await(ctx, sub); err != nil {
				yield(store.LogLine{}, err)
				return
			}
		}
	}
}

type follower struct {
	pool    *TaskPool
	project int64
	id      int64
	next    int64
}

// read yields what is stored, and tells whether the consumer wants more.
func (f *follower) read(ctx context.Context, yield func(store.LogLine, error) bool) (bool, error) {
	for {
		page, err := f.pool.Output(ctx, f.project, f.id, f.next, followPage)
		if err != nil {
			return false, err
		}
		for _, line := range page.Lines {
			if !yield(line, nil) {
				return false, nil
			}
		}
		if page.Next <= f.next {
			return true, nil
		}
		f.next = page.Next
	}
}

// await waits for news of a subscription, and takes a fresh one where it was
// cut.
func (p *TaskPool) await(ctx context.Context, sub *Subscription) (*Subscription, error) {
	timer := time.NewTimer(p.cfg.Poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return sub, context.Cause(ctx)
	case <-timer.C:
	case _, open := <-sub.C:
		if !open {
			return p.Subscribe(sub.topic), nil
		}
		for len(sub.C) > 0 { // one look at the store serves them all
			if _, open := <-sub.C; !open {
				return p.Subscribe(sub.topic), nil
			}
		}
	}
	return sub, nil
}

// causeOf is why ctx ended, or the error where it has not.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Wait returns a task once it has ended, or the cause of ctx.
func (p *TaskPool) Wait(ctx context.Context, project, id int64) (store.Task, error) {
	sub := p.Subscribe(Topic{ProjectID: project, TaskID: id, NoLines: true})
	defer func() { sub.Close() }()
	for {
		t, err := p.Task(ctx, project, id)
		if err != nil {
			return t, causeOf(ctx, err)
		}
		if t.Status.Finished() {
			return t, nil
		}
		if sub, err = p.await(ctx, sub); err != nil {
			return t, err
		}
	}
}
