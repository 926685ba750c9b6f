package jobtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// TestSourceNoticesABrokenContract proves that tests on a Source can fail.
func TestSourceNoticesABrokenContract(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	claimed := func(t *testing.T) (*jobtest.Source, job.Lease) {
		s := &jobtest.Source{}
		s.Add(job.Assignment{Lease: job.Lease{TaskID: 1}, NextSeq: 5})
		list, err := s.Claim(ctx, 2)
		require.NoError(t, err)
		require.Len(t, list, 1)
		return s, list[0].Lease
	}
	for name, c := range map[string]struct {
		call func(*jobtest.Source, job.Lease) error
		says string
	}{
		"a gap": {func(s *jobtest.Source, l job.Lease) error { return s.Append(ctx, l, job.Report{Seq: 6}) }, "append 6 of task 1 in place of 5"},
		"another's lease": {func(s *jobtest.Source, l job.Lease) error {
			l.Attempt++
			_, err := s.Extend(ctx, []job.Lease{l})
			return err
		}, "extend for a lease that was not handed out"},
		"a report behind the end": {func(s *jobtest.Source, l job.Lease) error {
			_ = s.Finish(ctx, l, job.Result{})
			return s.Append(ctx, l, job.Report{Seq: 5})
		}, "append 5 of task 1 after its finish"},
		"two ends": {func(s *jobtest.Source, l job.Lease) error {
			_ = s.Finish(ctx, l, job.Result{Outcome: job.Success})
			return s.Finish(ctx, l, job.Result{Outcome: job.Stopped})
		}, "finished twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, lease := claimed(t)
			require.NoError(t, c.call(s, lease))
			require.Len(t, s.Problems(), 1)
			require.Contains(t, s.Problems()[0], c.says)
		})
	}
	t.Run("what is repeated is none", func(t *testing.T) {
		t.Parallel()
		s, lease := claimed(t)
		for range 2 {
			require.NoError(t, s.Append(ctx, lease, job.Report{Seq: 5}))
		}
		s.Revoke(lease)
		require.ErrorIs(t, s.Append(ctx, lease, job.Report{Seq: 6}), job.ErrLeaseLost)
		require.ErrorIs(t, s.Finish(ctx, lease, job.Result{}), job.ErrLeaseLost)
		signals, err := s.Extend(ctx, []job.Lease{lease})
		require.NoError(t, err)
		require.Equal(t, []job.Signal{{Lease: lease, Gone: true}}, signals)
		require.Equal(t, 1, s.Duplicates(lease))
		require.Len(t, s.Reports(lease), 2)
		require.Empty(t, s.Problems())
	})
}
