package pool_test

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// A task is added, followed line by line, and awaited. The executor is a fake;
// job.NewLocal makes the real one.
func ExampleTaskPool_AddTask() {
	ring, err := crypto.NewRing(crypto.GenerateKey())
	if err != nil {
		panic(err)
	}
	tasks, err := pool.New(memory.New(memory.Config{}), pool.Config{Ring: ring, Executor: &jobtest.Fake{
		Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Lines: []string{"building", "done"}} },
	}})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- tasks.Run(ctx) }()

	template, err := tasks.Ensure(ctx, pool.Blueprint{
		Repository: store.Repository{GitURL: "https://git.example.org/app.git", GitBranch: "main"},
		Template:   store.Template{App: "bash", Playbook: "build.sh", Type: store.TemplateBuild, StartVersion: new("v1.0.0")},
	})
	if err != nil {
		panic(err)
	}
	task, err := tasks.AddTask(ctx, pool.AddRequest{
		Task: store.Task{ProjectID: template.ProjectID, TemplateID: template.ID, Message: "nightly"},
		By:   pool.Caller{Username: "alice"},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(task.Status, *task.Version)
	for line, err := range tasks.Follow(ctx, task.ProjectID, task.ID, 0) {
		fmt.Println(line.Number, line.Text, err)
	}
	task, err = tasks.Wait(ctx, task.ProjectID, task.ID)
	fmt.Println(task.Status, err)

	cancel()
	fmt.Println(<-ended)
	// Output:
	// waiting v1.0.0
	// 0 building <nil>
	// 1 done <nil>
	// success <nil>
	// <nil>
}

// What a template does not allow is refused, and the error names field and cure.
func ExampleTaskPool_AddTask_refused() {
	ring, err := crypto.NewRing(crypto.GenerateKey())
	if err != nil {
		panic(err)
	}
	tasks, err := pool.New(memory.New(memory.Config{}), pool.Config{Ring: ring})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	template, err := tasks.Ensure(ctx, pool.Blueprint{
		Repository: store.Repository{GitURL: "https://git.example.org/app.git", GitBranch: "main"},
		Template:   store.Template{App: "bash", Playbook: "build.sh"},
	})
	if err != nil {
		panic(err)
	}
	_, err = tasks.AddTask(ctx, pool.AddRequest{Task: store.Task{
		ProjectID: template.ProjectID, TemplateID: template.ID, GitBranch: new("experiment"),
	}})
	fmt.Println(err)
	// Output:
	// git_branch: the template does not let tasks choose the branch: set allow_override_branch_in_task, or leave it out
}
