//go:build linux

package crash

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alexandervashurin/semaphore/job"
)

// Plain is an executor as one would write it first: nothing guards what it
// starts. Its tool writes its output to a file, which is read once it has ended.
type Plain struct {
	Repo string   // where the script is, and runs
	Dir  string   // of files with output, which stay
	Env  []string // more variables of the tool
}

// Run runs the script of a task.
func (e Plain) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	calm := context.WithoutCancel(ctx)
	cmd := exec.CommandContext(ctx, "bash", filepath.Join(e.Repo, spec.Playbook))
	cmd.Dir = e.Repo
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Env = append(append(os.Environ(), e.Env...),
		fmt.Sprintf("SEMAPHORE_RUN_MARKER=%d-%d-%s", spec.Task.ID, spec.Task.Attempt, rand.Text()),
		"SEMAPHORE_TASK_DETAILS_MESSAGE="+spec.Task.Message)
	// A file rather than a pipe: without its reader the script would stand still.
	out, err := os.CreateTemp(e.Dir, "output-")
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := sink.Status(calm, job.Status{State: job.Running, Phase: job.PhaseRun}); err != nil {
		return err
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("script: %w", err)
	}
	if _, err := out.Seek(0, 0); err != nil {
		return err
	}
	var lines []job.Line
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		lines = append(lines, job.Line{Time: time.Now(), Text: scanner.Text()})
	}
	return sink.Lines(calm, lines)
}
