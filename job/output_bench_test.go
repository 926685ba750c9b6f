package job_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

// heapSink counts lines and watches the heap.
type heapSink struct {
	job.Discard
	lines, calls int
	peak         uint64
}

func (s *heapSink) Lines(_ context.Context, lines []job.Line) error {
	s.lines += len(lines)
	if s.calls++; s.calls%64 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.peak = max(s.peak, m.HeapAlloc)
	}
	return nil
}

// repeated yields a text so many times.
type repeated struct {
	text  string
	times int
	rest  string
}

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if r.rest == "" {
			if r.times == 0 {
				return n, io.EOF
			}
			r.times--
			r.rest = r.text
		}
		taken := copy(p[n:], r.rest)
		r.rest = r.rest[taken:]
		n += taken
	}
	return n, nil
}

// BenchmarkOutput takes a million lines as Ansible writes them, one in a
// thousand with a secret, through splitter, masker with 10 secrets and batches.
func BenchmarkOutput(b *testing.B) {
	var secrets []string
	for i := range 10 {
		secrets = append(secrets, fmt.Sprintf("%c9-Secret/Value+%d", 'a'+i, i*7919))
	}
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "ok: [web-%03d.example.org] => (item={'name': 'nginx', 'state': 'present', 'n': %d})\n", i, i)
	}
	text.WriteString("password is " + secrets[3] + "\n")
	masker := newMasker(secrets...)
	const times = 1000
	b.SetBytes(int64(text.Len() * times))
	b.ReportAllocs()
	var peak uint64
	lines := 0
	for b.Loop() {
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		sink := &heapSink{}
		o := job.NewOutput(b.Context(), sink, masker, job.OutputOptions{})
		require.NoError(b, o.Read(&repeated{text: text.String(), times: times}))
		require.NoError(b, o.Close())
		require.Equal(b, 1001*times, sink.lines)
		lines += sink.lines
		peak = max(peak, sink.peak-min(sink.peak, before.HeapAlloc))
	}
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}
