package job_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// programEnv makes the test binary a small program that runs one task, so that
// tests can kill it.
const programEnv = "JOB_TEST_PROGRAM"

// program is what such a program is told.
type program struct {
	Dir, Links string
	Repos      []string
	Spec       *job.Spec
	Answer     job.Answer
}

func runAsProgram() {
	text := os.Getenv(programEnv)
	if text == "" {
		return
	}
	var p program
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		panic(err)
	}
	local, err := job.NewLocal(p.Dir, job.LocalConfig{ReposPaths: p.Repos, LinkDir: p.Links, HomeMode: job.HomeIsolated, Env: map[string]string{"TF_CLI_CONFIG_FILE": "/dev/null"}})
	if err != nil {
		panic(err)
	}
	rec := &jobtest.Recorder{Answer: p.Answer, OnLine: func(l job.Line) { fmt.Println(job.StripANSI(l.Text)) }}
	err = local.Run(context.Background(), p.Spec, rec)
	fmt.Println("ended:", job.Conclude(err).Outcome, err)
	os.Exit(0)
}

// start starts the program for a spec; its output is the task's.
func (b *bench) start(spec *job.Spec, answer job.Answer) *exec.Cmd {
	b.t.Helper()
	text, err := json.Marshal(program{Dir: b.dir, Links: b.links, Repos: b.cfg.ReposPaths, Spec: spec, Answer: answer})
	require.NoError(b.t, err)
	self, err := os.Executable()
	require.NoError(b.t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), programEnv+"="+string(text))
	b.t.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}
