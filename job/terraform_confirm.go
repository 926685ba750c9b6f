package job

import (
	"context"
	"errors"
	"fmt"
)

// decide applies at once, asks, or stops after the plan.
func (t *terraformRun) decide() error {
	options := t.spec.terraform()
	if options.TaskPlanOnly {
		return nil
	}
	if options.autoApprove() {
		return t.apply()
	}
	answer, err := t.ask(Prompt{
		Kind: AskApply, Plan: &t.summary,
		Text: fmt.Sprintf("Apply this plan? %d to add, %d to change, %d to destroy", t.summary.Add, t.summary.Change, t.summary.Destroy),
	})
	switch {
	case err != nil:
		return err
	case answer == Approve:
		t.status(Confirmed, PhaseConfirm, "confirmed")
		return t.apply()
	case answer == Hold:
		if err := t.packBundle(); err != nil {
			return err
		}
		return ErrHeld
	default:
		t.status(Rejected, PhaseConfirm, "rejected")
		return ErrRejected
	}
}

// ask puts a question to the sink. The run's time-out stands still meanwhile,
// and a stop ends the question.
func (t *terraformRun) ask(p Prompt) (Answer, error) {
	t.status(WaitingConfirmation, PhaseConfirm, p.Text)
	t.clock.pause()
	defer t.clock.resume()
	type reply struct {
		answer Answer
		err    error
	}
	replies := make(chan reply, 1)
	err := t.out.do(func(_ context.Context, s Sink) error {
		go func() {
			var got reply
			got.err = guard(func() (err error) {
				got.answer, err = s.Confirm(t.ctx, p)
				return err
			})
			replies <- got
		}()
		return nil
	})
	if err != nil {
		return Reject, fmt.Errorf("ask for confirmation: %w", err)
	}
	select {
	case <-t.ctx.Done(): // a stop does not wait for a sink that does not listen
		return Reject, stopCause(t.ctx)
	case got := <-replies:
		if t.ctx.Err() != nil {
			return Reject, stopCause(t.ctx)
		}
		if got.err != nil {
			return Reject, fmt.Errorf("ask for confirmation: %w", got.err)
		}
		return got.answer, nil
	}
}

// resume applies the plan of the bundle.
func (t *terraformRun) resume() error {
	t.atEnd(func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), t.job.cfg.GitTimeout)
		defer cancel()
		return t.job.cfg.Bundles.Delete(ctx, t.spec.Task.ID)
	})
	if !t.checkout.inPlace {
		if err := t.initialise(initReadonly); err != nil {
			return planAgain(err)
		}
	}
	return planAgain(t.apply())
}

// planAgain says what to do when a saved plan could not be applied.
func planAgain(err error) error {
	var exit *ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%w: the saved plan could not be applied: plan again", err)
	}
	return err
}
