package jobtest_test

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// Code that runs tasks is tested with a Fake, which needs no tool.
func ExampleFake() {
	fake := &jobtest.Fake{Script: func(spec *job.Spec) jobtest.Script {
		return jobtest.Script{Lines: []string{"running " + spec.Playbook}, ExitCode: 3}
	}}
	rec := &jobtest.Recorder{}
	result, _ := job.Execute(context.Background(), fake, &job.Spec{Playbook: "site.yml"}, rec)
	fmt.Print(rec.Output())
	fmt.Println(result.Outcome, result.ExitCode)
	// Output:
	// running site.yml
	// error 3
}
