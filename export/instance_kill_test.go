package export_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/open"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

const (
	importInto = "SEMAPHORE_TEST_IMPORT_INTO"
	importFrom = "SEMAPHORE_TEST_IMPORT_FROM"
)

// TestImportInAProcessOfItsOwn is the child of the test below. It prints a line
// per part.
func TestImportInAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	if os.Getenv(importInto) == "" {
		t.Skip("is run by another test")
	}
	st, err := open.Open(t.Context(), os.Getenv(importInto), open.Config{})
	require.NoError(t, err)
	f, err := os.Open(os.Getenv(importFrom))
	require.NoError(t, err)
	defer f.Close()
	_, err = export.ReadInstance(t.Context(), st, f, export.ReadInstanceOptions{
		Ring: testRing(t), Progress: func(p export.Progress) { fmt.Println("part", p.Table) },
	})
	fmt.Println("end")
	require.NoError(t, err)
	require.NoError(t, st.Close())
}

func TestAKillLeavesAllOfAnImportOrNothing(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	archive := filepath.Join(t.TempDir(), "archive")
	require.NoError(t, os.WriteFile(archive, from.archive(t), 0o600))
	want := moved(storetest.Dump(t, from, store.DumpOptions{}))
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	for kind, place := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "semaphore.db") },
		"postgres": func(t *testing.T) string { return pgtest.Shared(t).Database(t) },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			k := killing{want: want, archive: archive, r: rand.New(rand.NewPCG(seed, 1)), parts: len(unpack(t, from.archive(t))) - 2}
			k.run(t, place, from.ring)
		})
	}
}

type killing struct {
	want      map[string][]map[string]any
	archive   string
	r         *rand.Rand
	parts     int
	none, all int
}

func (k *killing) run(t *testing.T, place func(t *testing.T) string, ring *crypto.Ring) {
	url := place(t)
	longest := k.killed(t, url, k.parts+1, 0) * 5 / 4 // of its last step, when nobody kills it
	require.True(t, k.look(t, url))
	url = place(t)
	for round := range 10 {
		lines := k.r.IntN(k.parts + 1)
		if round%2 == 1 { // the moments in which it becomes visible
			lines = k.parts
		}
		later := time.Duration(k.r.Int64N(int64(longest)))
		if round == 0 {
			lines, later = 1, 0
		}
		k.killed(t, url, lines, later)
		if k.look(t, url) {
			url = place(t)
		}
	}
	t.Logf("%d kills left nothing, %d all", k.none, k.all)
	require.NotZero(t, k.none)
	k.completes(t, url, ring)
}

// killed runs an import until it has printed so many lines and a time is over. It
// returns how long the import went on after its last line.
func (k *killing) killed(t *testing.T, url string, lines int, later time.Duration) (last time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestImportInAProcessOfItsOwn$")
	cmd.Env = append(os.Environ(), importInto+"="+url, importFrom+"="+k.archive)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	kill := func() { time.AfterFunc(later, func() { _ = cmd.Process.Kill() }) }
	if lines == 0 {
		kill()
	}
	seen, at := 0, time.Now()
	for scan := bufio.NewScanner(out); scan.Scan(); {
		if strings.HasPrefix(scan.Text(), "part") {
			at = time.Now()
			if seen++; seen == lines {
				kill()
			}
		}
	}
	_ = cmd.Wait() // killed, or at its end a moment before
	return time.Since(at)
}

// look tells whether the rows are there, and fails where it is only some.
func (k *killing) look(t *testing.T, url string) bool {
	t.Helper()
	st, err := open.Open(t.Context(), url, open.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	got := storetest.Dump(t, st, store.DumpOptions{})
	if len(got["project"]) == 0 {
		k.none++
		for table, rows := range got {
			require.Empty(t, rows, table)
		}
		return false
	}
	k.all++
	require.Equal(t, k.want, got)
	return true
}

// completes imports after the kills, once the database has seen that the last
// one is dead.
func (k *killing) completes(t *testing.T, url string, ring *crypto.Ring) {
	t.Helper()
	var owned *store.OwnedError
	require.Eventually(t, func() bool {
		st, err := open.Open(t.Context(), url, open.Config{})
		require.NoError(t, err)
		defer func() { require.NoError(t, st.Close()) }()
		f, err := os.Open(k.archive)
		require.NoError(t, err)
		defer f.Close()
		_, err = export.ReadInstance(t.Context(), st, f, export.ReadInstanceOptions{Ring: ring})
		if errors.As(err, &owned) {
			return false
		}
		require.NoError(t, err)
		return true
	}, 20*time.Second, 50*time.Millisecond)
	require.True(t, k.look(t, url))
	if path, err := open.File(url); err == nil {
		left, err := filepath.Glob(path + ".*stage*")
		require.NoError(t, err)
		require.Empty(t, left)
	}
}
