package pool_test

import (
	"context"
	"sync/atomic"
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

func tasksOf(t *testing.T, p *pooltest.Pool, tpl store.Template) []store.Task {
	t.Helper()
	page, err := p.Store().Tasks().List(t.Context(), store.TaskFilter{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Oldest: true, Limit: 1000})
	require.NoError(t, err)
	var list []store.Task
	for _, row := range page.Items {
		list = append(list, row.Task)
	}
	return list
}

func build() store.Template {
	return store.Template{Name: "build", Type: store.TemplateBuild, StartVersion: new("v1.0")}
}

// deploy is a template that deploys another one.
func deploy(name string, of store.Template, autorun bool) store.Template {
	return store.Template{Name: name, Playbook: name + ".sh", Type: store.TemplateDeploy, BuildTemplateID: &of.ID, Autorun: autorun}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{})
	tpl := p.Template(build())
	test := p.Template(deploy("test", tpl, false))
	prod := p.Template(deploy("prod", test, false))
	p.Await(p.Add(tpl), store.Success)
	built := p.Await(p.Add(tpl), store.Success)
	require.Equal(t, "v1.1", *built.Version)
	tested := p.Await(p.Add(test, func(t *store.Task) { t.BuildTaskID = &built.ID }), store.Success)
	require.Nil(t, tested.Version)
	p.Await(p.Add(prod, func(t *store.Task) { t.BuildTaskID = &tested.ID }), store.Success)
	p.Await(p.Add(prod), store.Success)
	runs := p.Fake.Runs()
	require.Equal(t, []string{"build", "v1.1", ""}, []string{runs[1].Task.Type, runs[1].Task.TargetVersion, runs[1].Task.IncomingVersion})
	require.Equal(t, []string{"deploy", "v1.1"}, []string{runs[2].Task.Type, runs[2].Task.IncomingVersion})
	require.Equal(t, "v1.1", runs[3].Task.IncomingVersion, "through the chain of deploys")
	require.Empty(t, runs[4].Task.IncomingVersion)
}

func TestWhatIsNoBuildIsNotDeployed(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Script: func(s *job.Spec) jobtest.Script {
		return jobtest.Script{ExitCode: map[string]int{"bad.sh": 1}[s.Playbook]}
	}})
	l := &launching{Pool: p, t: t}
	tpl := p.Template(build())
	bad := build()
	bad.Name, bad.Playbook = "bad", "bad.sh"
	bad = p.Template(bad)
	other := p.Await(p.Add(p.Template(store.Template{Name: "other"})), store.Success)
	failed := p.Await(p.Add(bad), store.Failed)
	l.refused(p.Template(deploy("d1", tpl, false)), store.Task{BuildTaskID: &other.ID}, pool.Caller{Manage: true}, "build_task_id", "not one of the template")
	l.refused(p.Template(deploy("d2", bad, false)), store.Task{BuildTaskID: &failed.ID}, pool.Caller{Manage: true}, "build_task_id", "ended as error")
}

func TestAutorun(t *testing.T) {
	t.Parallel()
	t.Run("each deploy follows a successful build once", func(t *testing.T) {
		t.Parallel()
		p := pooltest.New(t, pooltest.Options{})
		tpl := p.Template(build())
		first, second := p.Template(deploy("first", tpl, true)), p.Template(deploy("second", tpl, true))
		third, manual := p.Template(deploy("third", first, true)), p.Template(deploy("manual", tpl, false))
		built := p.Await(p.Add(tpl), store.Success)
		awaitTasks(t, p, third, 1)
		awaitTasks(t, p, second, 1)
		for _, d := range []store.Template{first, second} {
			deployed := p.Await(tasksOf(t, p, d)[0], store.Success)
			require.Equal(t, built.ID, *deployed.BuildTaskID)
			require.Nil(t, deployed.UserID)
		}
		require.Empty(t, tasksOf(t, p, manual))
	})
	t.Run("a build that ended otherwise is followed by nothing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Script: func(s *job.Spec) jobtest.Script {
				switch s.Playbook {
				case "bad.sh":
					return jobtest.Script{ExitCode: 1}
				case "slow.sh":
					return jobtest.Script{Delay: time.Hour}
				}
				return planned(s)
			}})
			var followers []store.Template
			ended := map[string]store.Status{"bad.sh": store.Failed, "slow.sh": store.Stopped, "infra": store.Failed}
			for playbook, status := range ended {
				tpl := build()
				if tpl.Name, tpl.Playbook = playbook, playbook; playbook == "infra" {
					tpl.App = "terraform"
				}
				tpl = p.Template(tpl)
				followers = append(followers, p.Template(deploy("after "+playbook, tpl, true)))
				task := p.Add(tpl)
				synctest.Wait()
				time.Sleep(time.Second)
				switch status {
				case store.Stopped:
					_, err := p.StopTask(t.Context(), task.ProjectID, task.ID, false, pool.Caller{})
					require.NoError(t, err)
				case store.Failed:
					_, _ = p.Reject(t.Context(), task.ProjectID, task.ID, pool.Caller{}) // the plan, where there is one
				}
				p.Await(task, status)
			}
			time.Sleep(time.Minute)
			for _, tpl := range followers {
				require.Empty(t, tasksOf(t, p, tpl))
			}
		})
	})
	t.Run("a crash between the build's end and its deploys repeats nothing", func(t *testing.T) {
		t.Parallel()
		st := &forgetful{Store: newStore()}
		p := pooltest.New(t, pooltest.Options{Store: st})
		tpl := p.Template(build())
		d := p.Template(deploy("deploy", tpl, true))
		st.forget.Store(true) // entries are dealt with and not removed, again and again
		built := p.Await(p.Add(tpl), store.Success)
		awaitTasks(t, p, d, 1)
		require.Eventually(t, func() bool { p.Wake(); return st.forgotten.Load() >= 5 }, 10*time.Second, time.Millisecond)
		require.Len(t, tasksOf(t, p, d), 1)
		p.Await(p.Add(d, func(t *store.Task) { t.BuildTaskID = &built.ID }), store.Success)
		require.Len(t, tasksOf(t, p, d), 2, "somebody may deploy it again")
	})
	t.Run("a deploy that cannot be made leaves a task that says why", func(t *testing.T) {
		t.Parallel()
		var ends atomic.Int32
		p := pooltest.New(t, pooltest.Options{Config: pool.Config{Hooks: pool.Hooks{AfterFinish: func(context.Context, store.Task) { ends.Add(1) }}}})
		tpl := p.Template(build())
		d := deploy("deploy", tpl, true)
		d.SurveyVars = []store.SurveyVar{{Name: "where", Required: true}}
		d = p.Template(d)
		p.Await(p.Add(tpl), store.Success)
		awaitTasks(t, p, d, 1)
		task := tasksOf(t, p, d)[0]
		require.Equal(t, store.Failed, task.Status)
		require.Contains(t, task.Reason, `"where" is required`)
		require.Eventually(t, func() bool { return ends.Load() == 2 }, 10*time.Second, time.Millisecond, "it is told as any other")
	})
	t.Run("templates that deploy each other end", func(t *testing.T) {
		t.Parallel()
		p := pooltest.New(t, pooltest.Options{})
		tpl := p.Template(build())
		a := p.Template(deploy("a", tpl, true))
		b := p.Template(deploy("b", a, true))
		a.BuildTemplateID = &b.ID
		require.NoError(t, p.Store().Templates().Update(t.Context(), a))
		p.Await(p.Add(b), store.Success)
		awaitTasks(t, p, b, 2)
		require.Contains(t, p.Await(tasksOf(t, p, b)[1], store.Failed).Reason, "in a circle")
	})
}

// awaitTasks waits until a template has so many tasks.
func awaitTasks(t *testing.T, p *pooltest.Pool, tpl store.Template, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(tasksOf(t, p, tpl)) >= n }, 10*time.Second, time.Millisecond)
}

// forgetful loses the removal of outbox entries, as a crash would.
type forgetful struct {
	store.Store
	forget    atomic.Bool
	forgotten atomic.Int32
}

func (f *forgetful) Queue() store.TaskQueue { return forgetfulQueue{f.Store.Queue(), f} }

type forgetfulQueue struct {
	store.TaskQueue
	f *forgetful
}

func (q forgetfulQueue) Settle(ctx context.Context, id int64, retry *time.Time) error {
	if q.f.forget.Load() {
		q.f.forgotten.Add(1)
		return nil
	}
	return q.TaskQueue.Settle(ctx, id, retry)
}
