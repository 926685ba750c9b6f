package semaphore_test

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// A whole engine in memory. A program that lasts opens a store of package
// store/sqlite, keeps its key with crypto.KeyFile, and names a Dir in place of
// the Executor.
func Example() {
	app, err := semaphore.New(semaphore.Config{
		Store: memory.New(memory.Config{}), Key: crypto.GenerateKey(),
		Executor: &jobtest.Fake{Script: func(s *job.Spec) jobtest.Script {
			return jobtest.Script{Lines: []string{fmt.Sprintf("deploying %v", s.Variables["version"])}}
		}},
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	go app.Run(ctx) // Close waits for it
	defer app.Close()

	template, err := app.Pool().Ensure(ctx, pool.Blueprint{
		Repository: store.Repository{GitURL: "https://git.example.org/ops.git", GitBranch: "main"},
		Template:   store.Template{App: "bash", Playbook: "deploy.sh", SurveyVars: []store.SurveyVar{{Name: "version", Required: true}}},
	})
	if err != nil {
		panic(err)
	}
	task, err := app.Pool().AddTask(ctx, pool.AddRequest{Task: store.Task{
		ProjectID: template.ProjectID, TemplateID: template.ID, Environment: `{"version":"1.2"}`,
	}})
	if err != nil {
		panic(err)
	}
	for line, err := range app.Pool().Follow(ctx, task.ProjectID, task.ID, 0) {
		if err != nil {
			panic(err)
		}
		fmt.Println(line.Text)
	}
	task, err = app.Pool().Wait(ctx, task.ProjectID, task.ID)
	fmt.Println(task.Status, err)
	// Output:
	// deploying 1.2
	// success <nil>
}
