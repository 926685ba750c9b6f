package export_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// BenchmarkProject measures how long a database is held by a backup and a restore
// of a project of 100 templates with everything about them.
func BenchmarkProject(b *testing.B) {
	from := memory.New(memory.Config{})
	p := write(b, from, newRing(b), 1, 100)
	backup, err := export.Project(b.Context(), from, p.ID, export.ProjectOptions{})
	require.NoError(b, err)
	st := openers()["sqlite"](b)
	opts := restoreOptions(user(b, st))
	opts.Name = "first"
	first, err := export.Restore(b.Context(), st, backup, opts)
	require.NoError(b, err)
	b.Run("backup", func(b *testing.B) {
		for b.Loop() {
			_, err := export.Project(b.Context(), st, first.Project.ID, export.ProjectOptions{})
			require.NoError(b, err)
		}
	})
	b.Run("restore", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			opts.Name = fmt.Sprintf("%d of %d", n, b.N)
			_, err := export.Restore(b.Context(), st, backup, opts)
			require.NoError(b, err)
		}
	})
}
