package postgres_test

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// wire counts what is sent.
type wire struct {
	mu       sync.Mutex
	payloads []string
	at       []time.Time
	fails    bool
}

func (w *wire) send(payload string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.payloads, w.at = append(w.payloads, payload), append(w.at, time.Now())
	if w.fails {
		return errors.New("away")
	}
	return nil
}

func (w *wire) notices() (list []store.Notice) {
	for _, p := range w.payloads {
		list = append(list, postgres.Decode(p)...)
	}
	return list
}

func TestManyNoticesAreAtMostTenNotificationsInASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		n := postgres.NewNotifier(slog.New(slog.DiscardHandler), w.send)
		begun := time.Now()
		for i := range int64(1000) {
			n.Add([]store.Notice{{Kind: "output", ProjectID: 1, TaskID: i % 10}, {Kind: "added", ProjectID: 1, TaskID: i}})
			time.Sleep(2 * time.Millisecond) // of the bubble's clock
		}
		n.Close()
		require.Zero(t, w.at[0].Sub(begun), "the first one goes at once")
		require.LessOrEqual(t, len(w.payloads), 22)
		added := 0
		for _, notice := range w.notices() {
			if notice.Kind == "added" {
				added++
			}
		}
		require.Equal(t, 1000, added)
		require.Less(t, len(w.notices()), 1000+10*len(w.payloads)+1, "what is the same goes once")
	})
}

func TestAFloodIsCutAndAFailureIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{fails: true}
		n := postgres.NewNotifier(slog.New(slog.DiscardHandler), w.send)
		var list []store.Notice
		for i := range int64(10000) {
			list = append(list, store.Notice{Kind: "changed", ProjectID: 1, TaskID: i})
		}
		n.Add(list)
		synctest.Wait()
		n.Close()
		require.Len(t, w.notices(), 4096)
		n.Add(list)
		synctest.Wait()
		require.Len(t, w.notices(), 4096, "nothing is sent after the end")
	})
}
