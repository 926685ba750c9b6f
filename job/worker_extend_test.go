package job_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// TestWorkerKeepsALeaseWhoseExtensionsAreSlow runs tasks at the end of a long
// way: each extension arrives late, and is still in time.
func TestWorkerKeepsALeaseWhoseExtensionsAreSlow(t *testing.T) {
	for name, c := range map[string]struct {
		takes, lostAfter time.Duration
	}{
		"longer than the pause between two":          {takes: 7 * time.Second, lostAfter: 30 * time.Second},
		"nearly as long as the lease lasts":          {takes: 14 * time.Second, lostAfter: 30 * time.Second},
		"where another attempt starts early":         {takes: 6 * time.Second, lostAfter: 20 * time.Second},
		"where there is no other attempt":            {takes: 14 * time.Second},
		"no longer than what one has to be answered": {takes: 4 * time.Second, lostAfter: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			outputTest(t, func(t *testing.T) {
				source := &jobtest.Source{Delay: func(call jobtest.SourceCall) time.Duration {
					if call.Method == jobtest.Extend {
						return c.takes
					}
					return 0
				}}
				a := task(1)
				a.LostAfter = c.lostAfter
				lease := source.Add(a)[0]
				s := startWorker(t, source, &job.Worker{Executor: printing(60, time.Second)})
				s.end(lease)
				require.Equal(t, job.Success, s.result(lease).Outcome, s.result(lease).Message)
				require.Equal(t, joined(numbered(60)), source.Output(lease))
				require.GreaterOrEqual(t, source.Extended(lease), int((time.Minute-c.takes)/(5*time.Second))-1, "one that is not answered yet holds up none")
			})
		})
	}
}

// timed is a Source that answers no extension, and notes how long each is given.
type timed struct {
	*jobtest.Source

	mu         sync.Mutex
	begun      time.Time
	under      int
	most       int
	from, till []time.Duration
}

func (s *timed) Extend(ctx context.Context, _ []job.Lease) ([]job.Signal, error) {
	s.mu.Lock()
	from := time.Since(s.begun)
	s.under++
	s.most = max(s.most, s.under)
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under--
	s.from, s.till = append(s.from, from), append(s.till, time.Since(s.begun))
	return nil, errors.New("no answer")
}

// TestWorkerGivesAnExtensionWhatTheLeaseLeaves proves that no call lasts longer
// than the lease that it is to extend, and that few are under way at a time.
func TestWorkerGivesAnExtensionWhatTheLeaseLeaves(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &timed{Source: &jobtest.Source{}, begun: time.Now()}
		a := task(1)
		a.LostAfter = 30 * time.Second
		source.Add(a)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		w := &job.Worker{Source: source, Executor: &stubborn{until: "kill"}}
		go func() { done <- w.Run(ctx) }()
		after(28 * time.Second)
		cancel()
		require.NoError(t, <-done)
		require.LessOrEqual(t, source.most, 4, "three, and one that begins as another ends")
		require.Subset(t, source.from, []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second})
		for i, from := range source.from {
			require.LessOrEqual(t, source.till[i]-from, 15*time.Second, "the lease")
			require.LessOrEqual(t, source.till[i], 30*time.Second, "another attempt")
		}
	})
}
