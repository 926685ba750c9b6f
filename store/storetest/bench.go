package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// Benchmarks measures a backend: the way of a task, appending output, reading
// it, and lists.
func Benchmarks(b *testing.B, open func(b *testing.B, now func() time.Time) store.Store) {
	for _, bench := range []struct {
		name string
		run  func(b *testing.B, w *world)
	}{
		{"task from create to finish", benchTask},
		{"append 100 lines", benchAppend},
		{"read 1000 lines of 100000", benchRead},
		{"list 100 of 2000 tasks", benchList},
		{"ten newest of 10000 tasks in 20 templates", benchLast},
		{"get a template", benchGet},
	} {
		b.Run(bench.name, func(b *testing.B) {
			w := newWorld(b, open(b, time.Now), newClock())
			b.ReportAllocs()
			bench.run(b, w)
		})
	}
}

func benchTask(b *testing.B, w *world) {
	for b.Loop() {
		w.task(b)
		w.finish(b, w.claim(b)[0].Lease, store.Success)
	}
}

func manyLines(n int) []store.LogLine {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("ok: [host-%d] => %s", i, strings.Repeat("x", i%80))
	}
	return lines(list...)
}

func benchAppend(b *testing.B, w *world) {
	c, batch := w.run(b), manyLines(100)
	for seq := int64(1); b.Loop(); seq++ {
		w.append(b, c.Lease, store.Append{Seq: seq, Lines: batch})
	}
}

func benchRead(b *testing.B, w *world) {
	c, batch := w.run(b), manyLines(1000)
	for seq := range int64(100) {
		w.append(b, c.Lease, store.Append{Seq: seq + 1, Lines: batch})
	}
	w.finish(b, c.Lease, store.Success)
	for more := true; more; {
		var err error
		more, err = w.Logs().Compact(b.Context())
		require.NoError(b, err)
	}
	for i := int64(0); b.Loop(); i++ {
		page, err := w.Logs().Read(b.Context(), w.project.ID, c.Task.ID, i*7919%99000, 1000)
		require.NoError(b, err)
		require.Len(b, page.Lines, 1000)
	}
}

func benchList(b *testing.B, w *world) {
	for range 2000 {
		w.task(b)
	}
	for b.Loop() {
		page, err := w.Tasks().List(b.Context(), store.TaskFilter{ProjectID: w.project.ID, Limit: 100})
		require.NoError(b, err)
		require.Len(b, page.Items, 100)
	}
}

func benchLast(b *testing.B, w *world) {
	for range 20 {
		tpl := w.newTemplate(b)
		for range 500 {
			w.task(b, of(tpl))
		}
	}
	for b.Loop() {
		list, err := w.Tasks().Last(b.Context(), w.project.ID, 10)
		require.NoError(b, err)
		require.Len(b, list, 200)
	}
}

func benchGet(b *testing.B, w *world) {
	for b.Loop() {
		_, err := w.Templates().Get(b.Context(), w.project.ID, w.template.ID)
		require.NoError(b, err)
	}
}
