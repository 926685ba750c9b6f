package pooltest_test

import (
	"fmt"
	"testing"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// A test launches a task whose run is scripted, and looks at what became of it.
func Example() {
	test := func(t *testing.T) {
		p := pooltest.New(t, pooltest.Options{Script: func(s *job.Spec) jobtest.Script {
			return jobtest.Script{Lines: []string{"running " + s.Playbook}, ExitCode: 3}
		}})
		task := p.Add(p.Template(store.Template{Playbook: "deploy.sh"}))
		task = p.Await(task, store.Failed)
		fmt.Println(p.Log(task), task.ExitCode, len(p.Fake.Runs()))
	}
	testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "TestDeploy", F: test}})
	// Output:
	// [running deploy.sh] 3 1
}
