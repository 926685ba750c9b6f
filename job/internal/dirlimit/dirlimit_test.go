package dirlimit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/dirlimit"
)

var errTooLarge = errors.New("too large")

func TestWatch(t *testing.T) {
	t.Parallel()
	t.Run("work within the limit goes on", func(t *testing.T) {
		t.Parallel()
		ctx, done := dirlimit.Watch(t.Context(), 100, errTooLarge, t.TempDir(), filepath.Join(t.TempDir(), "missing"), "")
		require.NoError(t, ctx.Err())
		require.NoError(t, done())
	})
	t.Run("work beyond the limit is ended with the cause", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		ctx, done := dirlimit.Watch(t.Context(), 100, errTooLarge, dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "large"), make([]byte, 101), 0o600))
		<-ctx.Done()
		require.ErrorIs(t, context.Cause(ctx), errTooLarge)
		require.ErrorIs(t, done(), errTooLarge)
	})
	t.Run("what is written last counts", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		_, done := dirlimit.Watch(t.Context(), 100, errTooLarge, dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "large"), make([]byte, 101), 0o600))
		require.ErrorIs(t, done(), errTooLarge)
	})
	t.Run("0 is no limit", func(t *testing.T) {
		t.Parallel()
		ctx, done := dirlimit.Watch(t.Context(), 0, errTooLarge, t.TempDir())
		require.Equal(t, t.Context(), ctx)
		require.NoError(t, done())
	})
}
