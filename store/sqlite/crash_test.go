package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// writeForever is the child of the test below: it prints the number of each
// task after the store has acknowledged its output.
func writeForever(path string) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, sqlite.Config{})
	for err == nil {
		var t store.Task
		t, err = s.Tasks().Create(ctx, store.NewTask{Task: store.Task{ProjectID: 1, TemplateID: 1, Parallel: true}, Snapshot: make([]byte, 20_000)})
		if err != nil {
			break
		}
		var list []store.Claimed
		list, err = s.Queue().Claim(ctx, store.ClaimRequest{Owner: strconv.Itoa(os.Getpid()), Tags: []string{""}, Max: 10, TTL: time.Minute})
		for _, c := range list {
			if err == nil {
				err = s.Queue().Append(ctx, c.Lease, store.Append{Seq: 1, Lines: []store.LogLine{{Text: strings.Repeat("x", 5000)}}})
			}
		}
		fmt.Println(t.ID)
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestAKillLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	s := open(t, path)
	tpl := template(t, s, true)
	require.NoError(t, s.Close())
	var acknowledged []int64
	for round := range 5 {
		acknowledged = append(acknowledged, writeUntilKilled(t, path, 20+7*round)...)
	}
	s = open(t, path)
	require.Equal(t, []string{"ok "}, texts(t, rawDB(t, path), "PRAGMA integrity_check"))
	require.Empty(t, texts(t, rawDB(t, path), "PRAGMA foreign_key_check"))
	for _, id := range acknowledged {
		page, err := s.Logs().Read(t.Context(), tpl.ProjectID, id, 0, 10)
		require.NoError(t, err)
		require.Len(t, page.Lines, 1, "task %d", id)
	}
	expired, err := s.Queue().Expire(t.Context(), store.Expiry{Self: "me", AllDead: true, Limit: 1000})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(expired), len(acknowledged))
}

// writeUntilKilled kills a child in the middle of its work and returns what it
// was told is stored.
func writeUntilKilled(t *testing.T, path string, lines int) []int64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SEMAPHORE_TEST_WRITE="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var ids []int64
	for scan := bufio.NewScanner(out); scan.Scan(); {
		id, err := strconv.ParseInt(scan.Text(), 10, 64)
		require.NoError(t, err, scan.Text())
		if ids = append(ids, id); len(ids) == lines {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.Error(t, cmd.Wait())
	require.GreaterOrEqual(t, len(ids), lines)
	return ids
}
