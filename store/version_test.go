package store_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func TestNextVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ start, previous, want string }{
		{"1.0.0", "", "1.0.0"},
		{"1.0.0", "1.0.0", "1.0.1"},
		{"1.0.0", "1.0.9", "1.0.10"},
		{"1.0.0", "1.0.99", "1.0.100"},
		{"1.0.5", "1.0.1", "1.0.5"},
		{"1.0.5", "1.0.4", "1.0.5"},
		{"1.0.5", "1.0.5", "1.0.6"},
		{"2.0.0", "1.0.7", "2.0.0"},
		{"7", "", "7"},
		{"7", "7", "8"},
		{"v1-beta", "v1-beta", "v2-beta"},
		{"v1-beta", "v1-rc", "v1-beta"},
		{"build-1", "build-41", "build-42"},
		{"build", "build", "build"},
		{"build", "build-1", "build"},
		{"", "", ""},
		{"", "1", ""},
		{"1.0.x", "1.0.x", "1.1.x"},
		{"1", "99999999999999999999999", "1"},
		{"99999999999999999999999", "1", "99999999999999999999999"},
		{"1", "9223372036854775807", "9223372036854775808"},
		{"ü1", "ü9", "ü10"},
	} {
		require.Equalf(t, tc.want, store.NextVersion(tc.start, tc.previous), "%q after %q", tc.start, tc.previous)
	}
}

// split takes a version apart around its last number.
func split(version string) (prefix, number, suffix string) {
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	head := strings.TrimRightFunc(version, func(r rune) bool { return !isDigit(r) })
	prefix = strings.TrimRightFunc(head, isDigit)
	return prefix, head[len(prefix):], version[len(head):]
}

func FuzzNextVersion(f *testing.F) {
	for _, seed := range [][2]string{{"1.0.0", "1.0.9"}, {"v1-beta", "v1-beta"}, {"", "1"}, {"a\n1", "a\n2"}, {"\xff1", "\xff2"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, start, previous string) {
		next := store.NextVersion(start, previous)
		if next == start {
			return
		}
		prefix, number, suffix := split(next)
		startPrefix, first, startSuffix := split(start)
		previousPrefix, last, previousSuffix := split(previous)
		require.Equal(t, []string{startPrefix, startSuffix}, []string{prefix, suffix})
		require.Equal(t, []string{previousPrefix, previousSuffix}, []string{prefix, suffix})
		n, err := strconv.ParseUint(number, 10, 64)
		require.NoError(t, err)
		low, err := strconv.ParseUint(first, 10, 63)
		require.NoError(t, err)
		before, err := strconv.ParseUint(last, 10, 63)
		require.NoError(t, err)
		require.Equal(t, max(low, before+1), n)
		require.NotEqual(t, previous, store.NextVersion(start, previous))
	})
}
