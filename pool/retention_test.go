package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		config, project store.Retention
		template        store.Retention
		keep, other     int // tasks of the template and of another one, of 6 each
	}{
		{name: "everything stays where nothing is said", keep: 6, other: 6},
		{name: "by age", project: store.Retention{Days: 3}, keep: 3, other: 3},
		{name: "by count", project: store.Retention{Tasks: 5}, keep: 2, other: 3},
		{name: "by size", project: store.Retention{Bytes: 3050}, keep: 1, other: 2},
		{name: "by whatever is reached first", project: store.Retention{Days: 3, Tasks: 100}, keep: 3, other: 3},
		{name: "of one template", template: store.Retention{Tasks: 1}, keep: 1, other: 6},
		{name: "of a template beside its project", project: store.Retention{Days: 4}, template: store.Retention{Tasks: 1}, keep: 1, other: 4},
		{name: "as configured, where the project says nothing", config: store.Retention{Tasks: 4}, keep: 2, other: 2},
		{name: "as the project says, whatever is configured", config: store.Retention{Tasks: 4}, project: store.Retention{Days: 1000}, keep: 6, other: 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var now clock
				p := pooltest.New(t, pooltest.Options{Idle: true, Config: pool.Config{Retention: c.config, Now: now.now}, Script: func(*job.Spec) jobtest.Script {
					return jobtest.Script{Lines: []string{longText(500)}} // 1000 bytes
				}})
				p.Project.Retention = c.project
				require.NoError(t, p.Store().Projects().Update(t.Context(), p.Project))
				tpl := p.Template(store.Template{Name: "one", Options: store.TemplateOptions{Retention: c.template}})
				other := p.Template(store.Template{Name: "other"})
				stop := p.Start()
				for range 6 {
					now.move(12 * time.Hour)
					p.Await(p.Add(tpl), store.Success)
					now.move(12 * time.Hour)
					p.Await(p.Add(other), store.Success)
				}
				stop()
				p.Add(tpl)
				now.move(time.Hour)
				require.NoError(t, p.Purge(t.Context()))
				require.Len(t, tasksOf(t, p, tpl), c.keep+1, "and the one that has not ended")
				require.Len(t, tasksOf(t, p, other), c.other)
			})
		})
	}
	t.Run("works by itself, on more than one step takes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Config: pool.Config{Retention: store.Retention{Tasks: 3}}})
			tpl := p.Template(store.Template{AllowParallelTasks: true})
			for range 70 {
				p.Await(p.Add(tpl), store.Success)
			}
			time.Sleep(11 * time.Minute)
			require.Len(t, tasksOf(t, p, tpl), 3)
		})
	})
}
