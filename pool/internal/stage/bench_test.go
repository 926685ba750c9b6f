package stage_test

import (
	"fmt"
	"testing"

	"github.com/alexandervashurin/semaphore/pool/internal/stage"
)

// BenchmarkLine feeds lines as a large play writes them, coloured and plain,
// with a task in a hundred lines.
func BenchmarkLine(b *testing.B) {
	var ordinary []stage.Line
	for i := range 1000 {
		text := fmt.Sprintf("ok: [web-%03d.example.org] => (item={'name': 'nginx', 'state': 'present'})", i)
		switch {
		case i%100 == 0:
			text = "TASK [common : install] ********************************************************"
		case i%3 == 0:
			text = "\x1b[0;32m" + text + "\x1b[0m"
		case i%3 == 1:
			text = fmt.Sprintf("2026-01-02 03:04:05 line %d: fetching the package list", i)
		}
		ordinary = append(ordinary, stage.Line{Number: int64(i), Time: epoch, Text: text})
	}
	for _, app := range []string{"ansible", "terraform", "terragrunt", "bash"} {
		b.Run(app, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				p := stage.New(app)
				p.Phase("run", epoch)
				for range 10 {
					for _, l := range ordinary {
						p.Line(l)
					}
				}
				n += 10 * len(ordinary)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
