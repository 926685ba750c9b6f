package sqlite_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// BenchmarkQueue prints how many tasks are added and claimed in a second while
// many wait.
func BenchmarkQueue(b *testing.B) {
	for _, waiting := range []int{100, 10_000, 100_000} {
		for _, templates := range []int{1, 1000} {
			b.Run(fmt.Sprintf("%d waiting in %d templates", waiting, templates), func(b *testing.B) {
				s := setup(b)
				tpls := fill(b, s, waiting, templates)
				b.Run("add", func(b *testing.B) {
					for i := 0; b.Loop(); i++ {
						add(b, s, tpls[i%len(tpls)])
					}
					perSecond(b)
				})
				b.Run("claim", func(b *testing.B) {
					for b.Loop() {
						list := claim(b, s, 1)
						b.StopTimer()
						require.Len(b, list, 1)
						_, err := s.Queue().Finish(b.Context(), list[0].Lease, store.Finish{Status: store.Success})
						require.NoError(b, err)
						add(b, s, tpls[0])
						b.StartTimer()
					}
					perSecond(b)
				})
			})
		}
	}
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}

// fill adds waiting tasks to new templates of one project.
func fill(b *testing.B, s store.Store, waiting, templates int) []store.Template {
	b.Helper()
	tpls := []store.Template{template(b, s, false)}
	require.NoError(b, s.InTx(b.Context(), func(ctx context.Context, tx store.Store) error {
		for len(tpls) < templates {
			tpl := tpls[0]
			tpl.ID = 0
			tpl, err := tx.Templates().Create(ctx, tpl)
			if err != nil {
				return err
			}
			tpls = append(tpls, tpl)
		}
		for i := range waiting {
			tpl := tpls[i%len(tpls)]
			_, err := tx.Tasks().Create(ctx, store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return tpls
}
