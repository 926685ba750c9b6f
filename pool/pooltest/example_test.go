package pooltest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// A test launches a task whose run is scripted, and looks at what became of it.
func Example() {
	t := &exampleT{} // the test's own *testing.T
	defer t.end()

	p := pooltest.New(t, pooltest.Options{Script: func(s *job.Spec) jobtest.Script {
		return jobtest.Script{Lines: []string{"running " + s.Playbook}, ExitCode: 3}
	}})
	task := p.Add(p.Template(store.Template{Playbook: "deploy.sh"}))
	task = p.Await(task, store.Failed)
	fmt.Println(p.Log(task), task.ExitCode, len(p.Fake.Runs()))
	// Output:
	// [running deploy.sh] 3 1
}

// exampleT stands in for a test: examples have none.
type exampleT struct {
	testing.TB
	cleanup []func()
}

func (t *exampleT) Helper() {}

func (t *exampleT) Context() context.Context { return context.Background() }

func (t *exampleT) Cleanup(f func()) { t.cleanup = append(t.cleanup, f) }

func (t *exampleT) end() {
	for _, f := range t.cleanup {
		f()
	}
}
