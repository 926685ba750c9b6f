// Command semaphore runs Ansible, Terraform and scripts from git repositories.
package main

import (
	"context"
	"os"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/job"
)

func main() {
	job.Init() // a supervisor process never gets further than this
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
