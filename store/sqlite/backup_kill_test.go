package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

const (
	restoreInto = "SEMAPHORE_TEST_RESTORE_INTO"
	restoreFrom = "SEMAPHORE_TEST_RESTORE_FROM"
)

// TestRestoreInAProcessOfItsOwn is the child of the test below.
func TestRestoreInAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	if os.Getenv(restoreInto) == "" {
		t.Skip("is run by another test")
	}
	_, err := sqlite.Restore(t.Context(), os.Getenv(restoreInto), os.Getenv(restoreFrom), sqlite.RestoreOptions{})
	require.NoError(t, err)
}

func TestAKillLeavesTheOldDatabaseOrTheRestoredOne(t *testing.T) {
	t.Parallel()
	path, from := backedUp(t)
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	run := func(patience time.Duration) time.Duration {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRestoreInAProcessOfItsOwn$")
		cmd.Env = append(os.Environ(), restoreInto+"="+path, restoreFrom+"="+from)
		began := time.Now()
		require.NoError(t, cmd.Start())
		timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		_ = cmd.Wait() // killed, or at its end before
		return time.Since(began)
	}
	longest := run(time.Minute)
	require.Equal(t, []string{"before"}, names(t, path))
	restored := 0
	for range 20 {
		s := open(t, path)
		if len(names(t, path)) == 1 {
			_, err := s.Projects().Create(t.Context(), store.Project{Name: "after"})
			require.NoError(t, err)
		}
		require.NoError(t, s.Close())
		kept, err := filepath.Glob(path + ".before-*")
		require.NoError(t, err)
		for _, file := range kept {
			if !strings.HasSuffix(file, ".partial") {
				require.Contains(t, names(t, file), "before", "what is kept is whole")
			}
			require.NoError(t, os.Remove(file))
		}
		run(longest/4 + time.Duration(r.Int64N(int64(longest))))
		switch got := names(t, path); len(got) {
		case 1:
			restored++
			require.Equal(t, []string{"before"}, got)
		default:
			require.Equal(t, []string{"before", "after"}, got)
		}
	}
	t.Logf("%d of 20 were restored", restored)
}

// TestWritersDoNotWaitForABackup: while a large file is copied, many writes end.
func TestWritersDoNotWaitForABackup(t *testing.T) {
	t.Parallel()
	path := freshFile(t)
	s := open(t, path)
	tpl := template(t, s, true)
	for n := range 40 {
		task := add(t, s, tpl)
		require.NoError(t, s.Artifacts().SaveBundle(t.Context(), tpl.ProjectID, task.ID, 0, []byte(strings.Repeat(fmt.Sprint(n, " "), 400_000))))
	}
	var copying atomic.Bool
	var during, total atomic.Int64
	var slowest atomic.Int64
	done := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			began, within := time.Now(), copying.Load()
			if err := s.Options().Set(t.Context(), "a", fmt.Sprint(total.Add(1))); err != nil {
				t.Error(err)
				return
			}
			if within && copying.Load() {
				during.Add(1)
				slowest.Store(max(slowest.Load(), int64(time.Since(began))))
			}
		}
	})
	copying.Store(true)
	began := time.Now()
	_, err := sqlite.Backup(t.Context(), path, filepath.Join(t.TempDir(), "copy.db"), sqlite.Config{})
	copying.Store(false)
	took := time.Since(began)
	close(done)
	writer.Wait()
	require.NoError(t, err)
	t.Logf("%d writes in %s, the slowest took %s", during.Load(), took, time.Duration(slowest.Load()))
	require.Greater(t, during.Load(), int64(10), "a writer that waited for the copy would have done one")
}
