package hook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/store"
)

var errBroken = errors.New("database is gone")

// started answers that one more task was started each time it is called.
type started struct{ calls atomic.Int64 }

func (s *started) work(context.Context) (hook.Answer, error) {
	id := s.calls.Add(1)
	return hook.Answer{Status: 204, Tasks: []int64{id}, Outcome: "started", Header: http.Header{"X-Semaphore-Task-ID": {fmt.Sprint(id)}}}, nil
}

func at(project int64, alias string, integrations ...int64) hook.Entry {
	return hook.Entry{ProjectID: project, Alias: alias, Integrations: integrations}
}

func TestRepeatGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	d := hook.NewDeliveries(hook.DeliveriesConfig{})
	var s started
	r := load(t, "github_push.txt")
	first, err := d.Do(t.Context(), at(1, "a", 5), r, s.work)
	require.NoError(t, err)
	first.Header.Set("X-Semaphore-Task-ID", "changed by the caller")
	again, err := d.Do(t.Context(), at(1, "a", 5), r, s.work)
	require.NoError(t, err)
	require.Equal(t, hook.Answer{Status: 204, Tasks: []int64{1}, Outcome: "started", Header: http.Header{"X-Semaphore-Task-ID": {"1"}}}, again)
	require.EqualValues(t, 1, s.calls.Load())

	for name, e := range map[string]hook.Entry{"alias": at(1, "b", 5), "integration": at(1, "a", 6)} {
		before := s.calls.Load()
		_, err = d.Do(t.Context(), e, r, s.work)
		require.NoError(t, err)
		require.Equal(t, before+1, s.calls.Load(), "another %s is no repeat", name)
	}
}

func TestDeliveryID(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"github_push.txt":    "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958",
		"gitlab_push.txt":    "Idempotency-Key: f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
		"gitea_push.txt":     "X-Gitea-Delivery: f6266f16-1bf3-46a5-9ea4-602e06ead473",
		"bitbucket_push.txt": "X-Request-UUID: 8b1a9953-c461-4f2f-9c4f-f2a6b6b2a1d7",
	} {
		require.Equal(t, want, hook.DeliveryID(load(t, file)))
	}
	require.Empty(t, hook.DeliveryID(request("", "X-Hook-UUID", "the same for every delivery")))
}

func TestEveryDeliveryWorks(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context) (hook.Answer, error) { return hook.Answer{Status: 204}, nil }
	refused := func(context.Context) (hook.Answer, error) { return hook.Answer{Status: 400}, errBroken }
	panics := func(context.Context) (hook.Answer, error) { panic("bug") }
	tests := []struct {
		name  string
		e     hook.Entry
		r     hook.Request
		first func(context.Context) (hook.Answer, error)
	}{
		{"without an id", at(1, "a", 5), request("{}"), nil},
		{"from a sender who was not let in", at(1, "a"), request("{}", "X-GitHub-Delivery", "1"), nil},
		{"after one that started nothing", at(1, "a", 5), request("{}", "X-GitHub-Delivery", "1"), nothing},
		{"after one that failed", at(1, "a", 5), request("{}", "X-GitHub-Delivery", "1"), refused},
		{"after one that panicked", at(1, "a", 5), request("{}", "X-GitHub-Delivery", "1"), panics},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := hook.NewDeliveries(hook.DeliveriesConfig{})
			var s started
			if tt.first == nil {
				tt.first = s.work
			}
			func() {
				defer func() { _ = recover() }()
				_, _ = d.Do(t.Context(), tt.e, tt.r, tt.first)
			}()
			before := s.calls.Load()
			answer, err := d.Do(t.Context(), tt.e, tt.r, s.work)
			require.NoError(t, err)
			require.Equal(t, before+1, s.calls.Load())
			require.Equal(t, []int64{before + 1}, answer.Tasks)
		})
	}
}

func TestDeliveriesAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := hook.NewDeliveries(hook.DeliveriesConfig{Max: 2})
		var s started
		do := func(id string) int64 {
			_, err := d.Do(t.Context(), at(1, "a", 5), request("{}", "X-GitHub-Delivery", id), s.work)
			require.NoError(t, err)
			return s.calls.Load()
		}
		require.EqualValues(t, 1, do("1"))
		time.Sleep(24 * time.Hour)
		require.EqualValues(t, 1, do("1"), "after exactly a day it is still known")
		time.Sleep(time.Second)
		require.EqualValues(t, 2, do("1"))

		require.EqualValues(t, 3, do("2"))
		require.EqualValues(t, 4, do("3"))
		require.EqualValues(t, 4, do("2"), "the two newest are known")
		require.EqualValues(t, 5, do("1"), "the oldest made room")
	})
}

func TestConcurrentRepeatsWorkOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := hook.NewDeliveries(hook.DeliveriesConfig{})
		var s started
		gate := make(chan struct{})
		r := request("{}", "X-GitHub-Delivery", "1")
		answers := make(chan hook.Answer, 10)
		for range 10 {
			go func() {
				answer, err := d.Do(t.Context(), at(1, "a", 5), r, func(ctx context.Context) (hook.Answer, error) {
					<-gate
					return s.work(ctx)
				})
				if err == nil {
					answers <- answer
				}
			}()
		}
		synctest.Wait()
		hungUp, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := d.Do(hungUp, at(1, "a", 5), r, s.work)
		require.ErrorIs(t, err, context.Canceled, "who hangs up does not wait")
		close(gate)
		for range 10 {
			require.Equal(t, []int64{1}, (<-answers).Tasks)
		}
		require.EqualValues(t, 1, s.calls.Load())
	})
}

func TestWaiterWorksWhereTheFirstFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := hook.NewDeliveries(hook.DeliveriesConfig{})
		var s started
		gate := make(chan struct{})
		r := request("{}", "X-GitHub-Delivery", "1")
		failed := make(chan error, 1)
		go func() {
			_, err := d.Do(t.Context(), at(1, "a", 5), r, func(context.Context) (hook.Answer, error) {
				<-gate
				return hook.Answer{Status: 500}, errBroken
			})
			failed <- err
		}()
		synctest.Wait()
		worked := make(chan hook.Answer, 1)
		go func() {
			answer, _ := d.Do(t.Context(), at(1, "a", 5), r, s.work)
			worked <- answer
		}()
		synctest.Wait()
		close(gate)
		require.ErrorIs(t, <-failed, errBroken)
		require.Equal(t, []int64{1}, (<-worked).Tasks)
	})
}

func TestJournalKeepsWhatHappened(t *testing.T) {
	t.Parallel()
	d := hook.NewDeliveries(hook.DeliveriesConfig{})
	var s started
	r := load(t, "gitlab_push.txt")
	r.Header.Set("Authorization", "Basic c2VjcmV0")
	r.Header.Set("Cookie", "semaphore=secret")
	r.Header.Set("X-Own", "secret")
	r.Header.Set("X-Hub-Signature-256", "sha256=secret")
	e := at(1, "a", 5)
	e.AuthHeaders = []string{"x-own"}
	for range 2 {
		_, err := d.Do(t.Context(), e, r, s.work)
		require.NoError(t, err)
	}
	_, err := d.Do(t.Context(), at(1, "a"), r, func(context.Context) (hook.Answer, error) {
		return hook.Answer{Status: 401, Outcome: "denied"}, nil
	})
	require.NoError(t, err)
	_, err = d.Do(t.Context(), at(2, "b", 9), r, func(context.Context) (hook.Answer, error) { return hook.Answer{Status: 500}, errBroken })
	require.ErrorIs(t, err, errBroken)

	list, err := d.Journal().List(t.Context(), 1, 10)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, 401, list[0].Status)
	require.True(t, list[1].Repeat)
	require.False(t, list[2].Repeat)
	require.Equal(t, []int64{1}, list[1].Tasks)
	require.Nil(t, list[2].Body)
	other, err := d.Journal().List(t.Context(), 2, 10)
	require.NoError(t, err)
	require.True(t, other[0].Failed)

	whole, err := d.Journal().Get(t.Context(), 1, list[2].ID)
	require.NoError(t, err)
	require.Equal(t, r.Body, whole.Body)
	require.Equal(t, "Push Hook", whole.Header.Get("X-Gitlab-Event"))
	for _, name := range []string{"Authorization", "Cookie", "X-Own", "X-Hub-Signature-256", "X-Gitlab-Token"} {
		require.Empty(t, whole.Header.Get(name), name)
	}
	denied, err := d.Journal().Get(t.Context(), 1, list[0].ID)
	require.NoError(t, err)
	require.Empty(t, denied.Body, "a stranger's body was kept")
	_, err = d.Journal().Get(t.Context(), 2, list[2].ID)
	require.ErrorIs(t, err, store.ErrNotFound, "another project's delivery was shown")

	again, err := whole.Request()
	require.NoError(t, err)
	require.Empty(t, hook.DeliveryID(again), "a replay must not count as a repeat")
	require.Equal(t, r.Body, again.Body)
	_, err = denied.Request()
	require.ErrorIs(t, err, hook.ErrCut)
}

func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	j := hook.NewMemoryJournal(hook.MemoryJournalConfig{PerProject: 3, Bytes: 10_000})
	ids := func(project int64) []int64 {
		list, err := j.List(t.Context(), project, 100)
		require.NoError(t, err)
		found := []int64{}
		for _, e := range list {
			found = append(found, e.ID)
		}
		return found
	}
	add := func(e hook.Entry) {
		_, err := j.Add(t.Context(), e)
		require.NoError(t, err)
	}
	add(at(1, "a", 5))
	for range 10 {
		add(at(1, "a")) // refused
	}
	require.Equal(t, []int64{11, 10, 9, 1}, ids(1), "strangers crowd out each other only")
	add(at(2, "b", 6))
	big := at(2, "b", 6)
	big.Body = make([]byte, 9_500)
	add(big)
	require.Equal(t, []int64{13}, ids(2))
	require.Empty(t, ids(1), "the oldest of all make room")
}

func TestLongBodiesAreCut(t *testing.T) {
	t.Parallel()
	d := hook.NewDeliveries(hook.DeliveriesConfig{})
	var s started
	_, err := d.Do(t.Context(), at(1, "a", 5), hook.Request{Body: make([]byte, 64<<10+1), Header: http.Header{}}, s.work)
	require.NoError(t, err)
	e, err := d.Journal().Get(t.Context(), 1, 1)
	require.NoError(t, err)
	require.Len(t, e.Body, 64<<10)
	_, err = e.Request()
	require.ErrorIs(t, err, hook.ErrCut)
}
