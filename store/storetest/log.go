package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func logCases() []testCase {
	return []testCase{
		{"lines come back with all that is known of them", keepsLines},
		{"any text comes back", keepsAnyText},
		{"any range is read over many appends", readsRanges},
		{"a log without lines is empty", readsNothing},
		{"packing a log changes no line", packs},
		{"the size of a log counts its lines and text", sizes},
	}
}

func lines(texts ...string) []store.LogLine {
	list := make([]store.LogLine, 0, len(texts))
	for _, text := range texts {
		list = append(list, store.LogLine{Time: time.UnixMicro(1767323045000001).UTC(), Text: text})
	}
	return list
}

func texts(list []store.LogLine) []string {
	found := []string{}
	for _, line := range list {
		found = append(found, line.Text)
	}
	return found
}

func (w *world) read(t *testing.T, task, from int64, limit int) store.LogPage {
	t.Helper()
	page, err := w.Logs().Read(t.Context(), w.project.ID, task, from, limit)
	require.NoError(t, err)
	return page
}

func keepsLines(t *testing.T, w *world) {
	c := w.run(t)
	at := w.clock.Now().Add(123456 * time.Microsecond)
	given := []store.LogLine{
		{Time: at, Text: "out"},
		{Time: at.Add(time.Microsecond), Stream: 1, Text: "err", Partial: true},
		{Time: at.Add(-time.Second), Stream: 2, Text: "system", Truncated: true},
		{Time: at.Add(time.Hour), Masked: true, Partial: true, Truncated: true, Text: ""},
		{Time: at.In(time.FixedZone("elsewhere", 3600)), Text: "in another zone"},
	}
	want := append([]store.LogLine{}, given...)
	for i := range want {
		want[i].Number, want[i].Attempt, want[i].Time = int64(i), 1, want[i].Time.UTC()
	}
	given[0].Number, given[0].Attempt = 77, 99
	w.append(t, c.Lease, store.Append{Seq: 1, Lines: given})
	page := w.read(t, c.Task.ID, 0, 100)
	require.Equal(t, store.LogPage{Lines: want, Next: 5, Total: 5}, page)
	given[1].Text, page.Lines[2].Text = "changed", "changed"
	require.Equal(t, want, w.read(t, c.Task.ID, 0, 100).Lines)
}

func keepsAnyText(t *testing.T, w *world) {
	c := w.run(t)
	all := append([]string{"\x00", "a\x00b", "\xff\xfe invalid", "\x1b[31mred\x1b[0m", strings.Repeat("é", 1<<19)}, awkward...)
	size := int64(0)
	for i, text := range all {
		w.append(t, c.Lease, store.Append{Seq: int64(i + 1), Lines: lines(text)})
		size += int64(len(text))
	}
	require.Equal(t, all, texts(w.read(t, c.Task.ID, 0, 100).Lines))
	require.Equal(t, size, w.get(t, c.Task.ID).LogBytes)
}

func (w *world) longLog(t *testing.T) (store.Claimed, []string) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	c := w.run(t)
	var all []string
	for seq := range int64(60) {
		var batch []string
		for range []int{0, 1, 2, 7, 40}[random.IntN(5)] {
			batch = append(batch, fmt.Sprintf("line %d %s", len(all)+len(batch), strings.Repeat("x", random.IntN(60))))
		}
		w.append(t, c.Lease, store.Append{Seq: seq + 1, Lines: lines(batch...)})
		all = append(all, batch...)
	}
	return c, all
}

func (w *world) requireRanges(t *testing.T, task int64, all []string) {
	t.Helper()
	total := len(all)
	for _, from := range []int{0, 1, 5, total / 2, total - 1, total, total + 10} {
		for _, limit := range []int{1, 3, 50, total, total + 5} {
			page := w.read(t, task, int64(from), limit)
			first, last := min(from, total), min(from+limit, total)
			require.Equal(t, append([]string{}, all[first:last]...), texts(page.Lines), "%d lines from %d", limit, from)
			require.EqualValues(t, total, page.Total)
			require.Zero(t, page.Damaged)
			for i, line := range page.Lines {
				require.EqualValues(t, first+i, line.Number)
			}
			if len(page.Lines) > 0 {
				require.EqualValues(t, last, page.Next)
			}
		}
	}
}

func readsRanges(t *testing.T, w *world) {
	c, all := w.longLog(t)
	w.requireRanges(t, c.Task.ID, all)
	var walked []string
	for from := int64(0); ; {
		page := w.read(t, c.Task.ID, from, 7)
		if len(page.Lines) == 0 {
			break
		}
		walked, from = append(walked, texts(page.Lines)...), page.Next
	}
	require.Equal(t, all, walked)
}

func readsNothing(t *testing.T, w *world) {
	c := w.run(t)
	page := w.read(t, c.Task.ID, 0, 10)
	require.Empty(t, page.Lines)
	require.Zero(t, page.Total)
	require.Zero(t, page.Next)
	_, err := w.Logs().Read(t.Context(), w.project.ID, 1<<40, 0, 10)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func (w *world) compact(t *testing.T) {
	t.Helper()
	for turn := 0; ; turn++ {
		more, err := w.Logs().Compact(t.Context())
		require.NoError(t, err)
		if !more {
			return
		}
		require.Less(t, turn, 1000, "there is always more to pack")
	}
}

func packs(t *testing.T, w *world) {
	c, all := w.longLog(t)
	w.compact(t)
	w.requireRanges(t, c.Task.ID, all)
	w.append(t, c.Lease, store.Append{Seq: 100, Lines: lines("after")})
	all = append(all, "after")
	w.finish(t, c.Lease, store.Success)
	w.compact(t)
	w.requireRanges(t, c.Task.ID, all)
	require.ErrorIs(t, w.Queue().Append(t.Context(), c.Lease, store.Append{Seq: 101, Lines: lines("late")}), store.ErrLease)
	w.compact(t)
	w.requireRanges(t, c.Task.ID, append(all, "late"))
}

func sizes(t *testing.T, w *world) {
	c := w.run(t)
	size, err := w.Logs().Size(t.Context(), w.project.ID, c.Task.ID)
	require.NoError(t, err)
	require.Equal(t, store.LogSize{}, size)
	w.append(t, c.Lease, store.Append{Seq: 1, Lines: lines("one", "three", "ü")})
	size, err = w.Logs().Size(t.Context(), w.project.ID, c.Task.ID)
	require.NoError(t, err)
	require.EqualValues(t, 3, size.Lines)
	require.EqualValues(t, 10, size.Text)
	require.Positive(t, size.Stored)
	require.Positive(t, size.Chunks)
}
