package export_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// restoreForKill is the child of the test below: it restores the backup beside a
// database again and again, under a new name each time, and tells when it begins
// and when it is done.
func restoreForKill(path string) {
	err := func() error {
		ctx := context.Background()
		st, err := sqlite.Open(ctx, path, sqlite.Config{})
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path + ".json")
		if err != nil {
			return err
		}
		var b export.Backup
		if err := b.Decode(bytes.NewReader(data), ""); err != nil {
			return err
		}
		for i := 0; ; i++ {
			name := fmt.Sprintf("%d-%d", os.Getpid(), i)
			fmt.Println("begins", name)
			if _, err := export.Restore(ctx, st, &b, export.RestoreOptions{Owner: 1, Name: name, Now: clock}); err != nil {
				return err
			}
			fmt.Println("done", name)
		}
	}()
	fmt.Println("failed", err)
	os.Exit(1)
}

// TestAKilledRestoreLeavesAllOrNothing kills restores at random moments. Each
// project in the database is then a whole one, and those whose end was told are
// there.
func TestAKilledRestoreLeavesAllOrNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	st := openSQLite(t, path)
	require.EqualValues(t, 1, user(t, st))
	from := memory.New(memory.Config{})
	p := write(t, from, newRing(t), 5, 12)
	b, err := export.Project(t.Context(), from, p.ID, export.ProjectOptions{})
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, b.Encode(&file))
	require.NoError(t, os.WriteFile(path+".json", file.Bytes(), 0o600))
	want := rowsOf(through(t, b))

	seed := seeds(t, 1)[0]
	t.Logf("SEMAPHORE_SEED=%d", seed)
	rnd := rand.New(rand.NewPCG(seed, 3))
	told, begun := map[string]bool{}, map[string]bool{}
	const rounds = 12
	for range rounds {
		for line := range killed(t, path, time.Duration(rnd.IntN(60))*time.Millisecond, 1+rnd.IntN(3)) {
			var what, name string
			_, err := fmt.Sscan(line, &what, &name)
			require.NoError(t, err)
			require.NotEqual(t, "failed", what, line)
			told[name] = told[name] || what == "done"
			begun[name] = true
		}
	}
	page, err := st.Projects().List(t.Context(), 0, store.Query{Limit: -1})
	require.NoError(t, err)
	found := map[string]bool{}
	for _, p := range page.Items {
		found[p.Name] = true
		require.True(t, begun[p.Name])
		whole, err := export.Project(t.Context(), st, p.ID, export.ProjectOptions{})
		require.NoError(t, err)
		require.Equal(t, want, rowsOf(whole), "project %s is not whole", p.Name)
		require.Len(t, whole.Keys, len(b.Keys))
		members, err := st.Projects().Members().Count(t.Context(), p.ID, store.Query{})
		require.NoError(t, err)
		require.Equal(t, 1, members)
	}
	lost := 0
	for name, done := range told {
		require.True(t, found[name] || !done, "%s was told done and is not there", name)
		if !found[name] {
			lost++
		}
	}
	require.Greater(t, lost, rounds/2, "most kills hit a restore at work")
}

// killed runs a child, kills it some time after it has begun its n-th restore,
// and returns what it said.
func killed(t *testing.T, path string, after time.Duration, n int) map[string]bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SEMAPHORE_TEST_RESTORE="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := map[string]bool{}
	scan := bufio.NewScanner(out)
	for begun := 0; scan.Scan(); {
		said[scan.Text()] = true
		if bytes.HasPrefix(scan.Bytes(), []byte("begins")) {
			if begun++; begun == n {
				time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			}
		}
	}
	require.Error(t, cmd.Wait())
	return said
}
