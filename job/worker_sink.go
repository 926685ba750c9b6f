package job

import "context"

// workerSink turns what a run yields into reports. It takes everything: that the
// Source is away must neither look like an error to the run, which would drop
// lines in the end, nor end a call early. So the contexts, whose 30 s an outage
// outlasts, are not looked at; only output that fits nowhere waits.
type workerSink struct{ buffer *reportBuffer }

// Lines implements Sink.
func (s workerSink) Lines(_ context.Context, lines []Line) error {
	if len(lines) > 0 {
		s.buffer.put(Report{Lines: lines})
	}
	return nil
}

// Status implements Sink. That a run cleans up is told by its end, which follows.
func (s workerSink) Status(_ context.Context, status Status) error {
	if status.Phase == PhaseFinish {
		return nil
	}
	s.buffer.add(Report{Status: &status})
	return nil
}

// Commit implements Sink.
func (s workerSink) Commit(_ context.Context, c Commit) error {
	s.buffer.add(Report{Commit: &c})
	return nil
}

// Plan implements Sink.
func (s workerSink) Plan(_ context.Context, p PlanSummary) error {
	s.buffer.add(Report{Plan: &p})
	return nil
}

// Confirm implements Sink. Whoever answers does so when the run has ended.
func (s workerSink) Confirm(_ context.Context, p Prompt) (Answer, error) {
	s.buffer.add(Report{Prompt: &p})
	return Hold, nil
}

// HostKey implements Sink.
func (s workerSink) HostKey(_ context.Context, k HostKey) error {
	s.buffer.add(Report{HostKeys: []HostKey{k}})
	return nil
}

// Command implements CommandSink.
func (s workerSink) Command(_ context.Context, argv []string) error {
	s.buffer.add(Report{Commands: [][]string{argv}})
	return nil
}
