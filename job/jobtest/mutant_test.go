package jobtest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestMain(m *testing.M) {
	job.Init()
	os.Exit(m.Run())
}

const mutantEnv = "JOBTEST_MUTANT"

// mutants are executors with one fault each. The suite has to find every one.
var mutants = map[string]func(job.Executor) job.Executor{
	"loses the last line": func(e job.Executor) job.Executor {
		return mutant{e, func(s job.Sink) job.Sink { return lossy{s} }, nil}
	},
	"swallows the exit code":   func(e job.Executor) job.Executor { return mutant{e, nil, func(error) error { return nil }} },
	"shows secrets":            func(e job.Executor) job.Executor { return unmasked{e} },
	"forgets why it was ended": func(e job.Executor) job.Executor { return mutant{e, nil, forget} },
	"runs what it must refuse": func(e job.Executor) job.Executor { return careless{e} },
}

type mutant struct {
	job.Executor
	sink func(job.Sink) job.Sink
	err  func(error) error
}

func (m mutant) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	if m.sink != nil {
		sink = m.sink(sink)
	}
	err := m.Executor.Run(ctx, spec, sink)
	if m.err != nil {
		err = m.err(err)
	}
	return err
}

func forget(err error) error {
	if err == nil {
		return nil
	}
	return job.ErrStopped
}

// lossy drops the last line of each batch of several.
type lossy struct{ job.Sink }

func (l lossy) Lines(ctx context.Context, lines []job.Line) error {
	return l.Sink.Lines(ctx, lines[:max(1, len(lines)-1)])
}

// unmasked gives secrets to the tool without telling the executor that they are
// secret.
type unmasked struct{ job.Executor }

func (u unmasked) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	spec.Environment = map[string]string{}
	for _, s := range spec.Secrets {
		spec.Environment[s.Name] = s.Value.Reveal()
	}
	spec.Secrets = nil
	return u.Executor.Run(ctx, spec, sink)
}

// careless mends a path that leaves the repository instead of refusing it.
type careless struct{ job.Executor }

func (c careless) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	if spec.Playbook == "../outside.sh" {
		spec.Playbook = "run.sh"
	}
	return c.Executor.Run(ctx, spec, sink)
}

func newLocal(t *testing.T) job.Executor {
	links, err := os.MkdirTemp("", "sm")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(links)) })
	local, err := job.NewLocal(filepath.Join(links, "job"), job.LocalConfig{ReposPaths: []string{os.TempDir()}, LinkDir: links})
	require.NoError(t, err)
	return local
}

// TestMutant runs the suite on the mutant that the environment names.
func TestMutant(t *testing.T) {
	build, ok := mutants[os.Getenv(mutantEnv)]
	if !ok {
		return
	}
	jobtest.RunExecutorSuite(t, func(t *testing.T) job.Executor { return build(newLocal(t)) })
}

func TestTheSuiteFindsEveryFault(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	for name := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestMutant$", "-test.timeout", "2m")
			cmd.Env = append(os.Environ(), mutantEnv+"="+name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAsf(t, err, &exit, "the suite passed an executor that %s\n%s", name, out)
			require.Contains(t, string(out), "--- FAIL: TestMutant/")
		})
	}
}
