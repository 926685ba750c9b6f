package pool_test

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// leave writes the spool file of a process that died: its lease, and a line in
// each report, the first of which is numbered from.
func leave(t *testing.T, dir string, l store.Lease, from int64, lines ...string) {
	t.Helper()
	records := []any{map[string]any{"lease": l}}
	for i, text := range lines {
		records = append(records, job.Report{Seq: from + int64(i), Lines: []job.Line{{Time: time.Now(), Text: text}}})
	}
	var file []byte
	for _, r := range records {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		file = append(binary.BigEndian.AppendUint32(file, uint32(len(text))), text...)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "reports-1"), file, 0o600))
}

func TestOutputThatADeadPredecessorHasSpooledIsStored(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]bool{"before its task ends": false, "as late where it has ended": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.New(t, pooltest.Options{Idle: true, Store: shared{newStore()}, Config: pool.Config{Spool: dir, Dead: []string{"dead"}}})
				task := p.Add(p.Template(store.Template{}))
				c := claim(t, p.Store(), "dead")
				require.NoError(t, p.Store().Queue().Append(t.Context(), c.Lease, store.Append{Seq: 1, Lines: []store.LogLine{{Text: "one"}}}))
				leave(t, dir, c.Lease, 1, "one", "two", "three")
				if ended {
					_, err := p.Store().Queue().Expire(t.Context(), store.Expiry{Dead: []string{"dead"}})
					require.NoError(t, err)
				}
				p.Start()
				time.Sleep(5 * time.Second)
				now := p.Await(task, store.Failed)
				require.Equal(t, store.LostReason, now.Reason)
				require.Equal(t, []string{"one", "two", "three"}, p.Log(task), "each once")
				require.Equal(t, ended, now.Late)
				require.NoFileExists(t, filepath.Join(dir, "reports-1"))
			})
		})
	}
}
