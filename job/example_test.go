package job_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/job"
)

// printer is a Sink that prints the tool's lines.
type printer struct{ job.Discard }

func (printer) Lines(_ context.Context, lines []job.Line) error {
	for _, line := range lines {
		if line.Stream != job.System {
			fmt.Println(line.Text)
		}
	}
	return nil
}

// A program calls job.Init first thing in main, then runs Specs. Here a script
// of a local directory is run in place; a URL would be cloned.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "deploy.sh"), []byte("echo deploying $1; echo with $TOKEN\n"), 0o600); err != nil {
		panic(err)
	}
	local, err := job.NewLocal(filepath.Join(dir, "data"), job.LocalConfig{ReposPaths: []string{dir}})
	if err != nil {
		panic(err)
	}
	err = local.Run(context.Background(), &job.Spec{
		Version: job.SpecVersion, App: "bash", Playbook: "deploy.sh",
		Task:       job.Task{ID: 1_000_001},
		Repository: job.Repository{URL: dir},
		Variables:  map[string]any{"version": 1.2},
		Secrets:    []job.SecretVar{{Name: "TOKEN", Kind: job.SecretEnv, Value: job.NewSecret("correct-horse")}},
	}, printer{})
	fmt.Println(job.Conclude(err).Outcome)
	// Output:
	// deploying version=1.2
	// with ***
	// success
}

func ExampleSpec_Validate() {
	spec := &job.Spec{Version: job.SpecVersion, App: "bash", Playbook: "../deploy.sh"}
	fmt.Println(spec.Validate())
	// Output: playbook: "../deploy.sh" leaves the repository: give a path inside it
}

func ExampleParseArgs() {
	args, err := job.ParseArgs(`{"plan": ["-parallelism=2"], "apply": []}`)
	fmt.Println(args.Stages["plan"], err)
	_, err = job.ParseArgs(`--forks 5`)
	fmt.Println(err != nil)
	// Output:
	// [-parallelism=2] <nil>
	// true
}
