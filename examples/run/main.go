// Command run is the shortest program on package job: it runs a script of a
// git repository and prints its lines.
//
//	go run ./examples/run URL BRANCH SCRIPT
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/job"
)

// printer is a Sink that prints lines and lets the rest go.
type printer struct{ job.Discard }

func (printer) Lines(_ context.Context, lines []job.Line) error {
	for _, line := range lines {
		fmt.Fprintln(os.Stdout, line.Text)
	}
	return nil
}

func main() {
	job.Init() // lets this program supervise the trees of its tasks
	local, err := job.NewLocal(filepath.Join(os.TempDir(), "semaphore-example"), job.LocalConfig{ReposPaths: []string{"/"}})
	if err != nil {
		panic(err)
	}
	err = local.Run(context.Background(), &job.Spec{
		Version: job.SpecVersion, App: "bash", Playbook: os.Args[3],
		Repository: job.Repository{URL: os.Args[1], Branch: os.Args[2]},
	}, printer{})
	fmt.Fprintln(os.Stdout, job.Conclude(err).Outcome)
}
