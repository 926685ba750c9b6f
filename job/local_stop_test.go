package job_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// stopAt runs spec, calls act once the tool has printed line, and returns how
// the run ended and how long it took from then on.
func (b *bench) stopAt(spec *job.Spec, line string, act func(*job.Stopper)) (*jobtest.Recorder, time.Duration, error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	ctx, stopper := job.WithStopper(ctx)
	seen := make(chan struct{}, 100)
	rec := &jobtest.Recorder{Answer: job.Approve, OnLine: func(l job.Line) {
		if strings.Contains(job.StripANSI(l.Text), line) {
			seen <- struct{}{}
		}
	}}
	done := make(chan error, 1)
	go func() { done <- b.local.Run(ctx, spec, rec) }()
	select {
	case <-seen:
	case err := <-done:
		require.FailNow(b.t, "ended early", "%v\n%s", err, rec.Log())
	}
	begun := time.Now()
	act(stopper)
	err := <-done
	b.nothingLeft()
	return rec, time.Since(begun), err
}

// mark is a text that only the processes of one test have on their command
// line: a number of seconds to sleep.
func mark() string { return fmt.Sprintf("%d.%06d", 400+taskIDs.Add(1), os.Getpid()) }

func TestStopEndsTheWholeTree(t *testing.T) {
	t.Parallel()
	sleep := mark()
	for name, body := range map[string]string{
		"grandchildren":                  "(sleep " + sleep + " & sleep " + sleep + " & wait) &\necho ready; wait\n",
		"grandchildren that ignore TERM": "(trap '' TERM; sh -c \"trap '' TERM; sleep " + sleep + "\" & wait) &\necho ready; wait\n",
		"a double fork with setsid":      "setsid sh -c 'setsid sleep " + sleep + " >/dev/null 2>&1 & exit' \necho ready; sleep " + sleep + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": body}))
			spec.Limits.StopGrace = time.Second
			rec, took, err := b.stopAt(spec, "ready", func(s *job.Stopper) { s.Stop(nil) })
			require.ErrorIs(t, err, job.ErrStopped, logOf{rec})
			require.Empty(t, alive("sleep "+sleep), "processes after the run")
			require.Less(t, took, 12*time.Second)
			t.Logf("stop to gone: %v", took.Round(time.Millisecond))
		})
	}
}

func TestAScriptMayEndByItselfWhenItIsStopped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rec, _, err := b.stopAt(b.spec("bash", "run.sh", directory(t, files{"run.sh": "trap 'echo tidied; exit 0' TERM\necho ready; while :; do sleep 0.1; done\n"})),
		"ready", func(s *job.Stopper) { s.Stop(job.ErrShutdown) })
	require.ErrorIs(t, err, job.ErrShutdown)
	require.Contains(t, rec.Output(), "tidied\n")
	require.Contains(t, rec.System(), "server shut down: stopping bash")
	states := map[job.State]bool{}
	for _, s := range rec.Statuses() {
		states[s.State] = true
	}
	require.True(t, states[job.Stopping])
}

func TestForceDoesNotWaitForTheGrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rec, took, err := b.stopAt(b.spec("bash", "run.sh", directory(t, files{"run.sh": "trap '' TERM INT\necho ready; while :; do sleep 0.1; done\n"})),
		"ready", func(s *job.Stopper) { s.Force() })
	require.ErrorIs(t, err, job.ErrStopped)
	require.Less(t, took, 8*time.Second)
	require.Contains(t, rec.System(), "was killed")
}

func TestATimeOutStopsTheTree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sleep := mark()
	spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": "setsid sleep " + sleep + " &\nsleep " + sleep + "\n"}))
	spec.Limits.Timeout = 500 * time.Millisecond
	rec := &jobtest.Recorder{}
	require.ErrorIs(t, b.run(spec, rec), job.ErrTimeout)
	require.Contains(t, rec.System(), "task timed out: stopping bash")
	require.Empty(t, alive("sleep "+sleep))
}

func TestAStopWhileCloningEndsTheClone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, stopper := job.WithStopper(t.Context())
	rec := &jobtest.Recorder{OnStatus: func(s job.Status) {
		if s.Phase == job.PhaseRepository {
			stopper.Stop(nil)
		}
	}}
	err := b.local.Run(ctx, b.spec("bash", "run.sh", repository(t, files{"run.sh": "echo ran\n"})), rec)
	require.ErrorIs(t, err, job.ErrStopped)
	require.Empty(t, rec.Output())
	b.nothingLeft()
}

func TestWhatIsLeftBehindIsEndedAndNamed(t *testing.T) {
	t.Parallel()
	sleep := mark()
	b := setup(t)
	rec := b.ok(b.spec("bash", "run.sh", directory(t, files{"run.sh": "setsid sleep " + sleep + " >/dev/null 2>&1 &\necho done\n"})))
	require.Contains(t, rec.System(), "ended processes left behind: sleep (pid ")
	require.Empty(t, alive("sleep "+sleep))

	begun := time.Now()
	rec = b.ok(b.spec("bash", "run.sh", directory(t, files{"run.sh": "setsid sleep " + sleep + " &\necho done\n"})))
	require.Less(t, time.Since(begun), 8*time.Second, "a daemon that holds the pipe does not hold the task")
	require.Equal(t, "done\n", rec.Output())
	require.Empty(t, alive("sleep "+sleep))
}

func TestATemplateMayKeepItsBackground(t *testing.T) {
	t.Parallel()
	sleep := mark()
	b := setup(t)
	spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": "setsid sleep " + sleep + " >/dev/null 2>&1 &\necho $!\n"}))
	spec.Template.KeepBackground = true
	b.ok(spec)
	left := alive("sleep " + sleep)
	require.Len(t, left, 1)
	var pid int
	_, err := fmt.Sscanf(left[0], "%d:", &pid)
	require.NoError(t, err)
	p, err := os.FindProcess(pid)
	require.NoError(t, err)
	require.NoError(t, p.Kill())
}

// TestKillOfTheProgramEndsTheTree kills the program alone, and starts it again.
func TestKillOfTheProgramEndsTheTree(t *testing.T) {
	t.Parallel()
	sleep := mark()
	b := setup(t)
	dir := repository(t, files{"run.sh": "setsid sh -c 'sleep " + sleep + " & wait' &\n(trap '' TERM; sleep " + sleep + ") &\necho ready; sleep " + sleep + "\n"})
	spec := b.spec("bash", "run.sh", dir)
	spec.Secrets = []job.SecretVar{{Name: "TOKEN", Kind: job.SecretExt, Value: job.NewSecret("canary-of-the-kill")}}
	spec.Limits.StopGrace = 3 * time.Second
	cmd := b.start(spec, job.Reject)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		continue
	}
	require.Equal(t, "ready", lines.Text())
	require.NotEmpty(t, alive("sleep "+sleep))
	begun := time.Now()
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	ending, err := b.local.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, []job.Swept{{Task: job.TaskRef{TaskID: spec.Task.ID, Attempt: 1}, Ending: true}}, ending, "the tool is still given its time")
	require.NotEmpty(t, alive("sleep "+sleep))
	eventually(t, 15*time.Second, "the tree to end", func() bool { return len(alive("sleep "+sleep)) == 0 })
	t.Logf("kill -9 of the program to the end of its tree: %v", time.Since(begun).Round(time.Millisecond))

	left, err := filepath.Glob(filepath.Join(b.dir, "run", "*"))
	require.NoError(t, err)
	require.Len(t, left, 1, "the run directory waits for the sweep")
	var swept []job.Swept
	eventually(t, 15*time.Second, "the run to be swept", func() bool {
		swept, err = b.local.Sweep(t.Context())
		return err == nil && len(swept) == 1 && !swept[0].Ending
	})
	require.Equal(t, spec.Task.ID, swept[0].Task.TaskID)
	b.nothingLeft()
	require.Empty(t, filesWith(t, b.dir, "canary-of-the-kill"))
	mirror, err := filepath.Glob(filepath.Join(b.dir, "mirrors", "*", "*.git"))
	require.NoError(t, err)
	require.Len(t, mirror, 1)
	require.NotContains(t, git(t, mirror[0], "for-each-ref"), "refs/semaphore")
	b.ok(b.spec("bash", "ok.sh", repository(t, files{"ok.sh": "echo fine\n"})))
}

func TestASweepLeavesTheLivingAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, _, err := b.stopAt(b.spec("bash", "run.sh", directory(t, files{"run.sh": "echo ready; sleep 60\n"})), "ready", func(s *job.Stopper) {
		swept, err := b.local.Sweep(t.Context())
		require.NoError(t, err)
		require.Empty(t, swept)
		left, err := filepath.Glob(filepath.Join(b.dir, "run", "*", "run.json"))
		require.NoError(t, err)
		require.Len(t, left, 1)
		s.Force()
	})
	require.ErrorIs(t, err, job.ErrStopped)
}

func TestTheSameTaskDoesNotRunTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": "echo ready; sleep 60\n"}))
	_, _, err := b.stopAt(spec, "ready", func(s *job.Stopper) {
		again := b.local.Run(t.Context(), spec, &jobtest.Recorder{})
		require.ErrorContains(t, again, "already running")
		s.Force()
	})
	require.ErrorIs(t, err, job.ErrStopped)
}

// TestKillWhileCloningEndsGit kills the program while git waits for a server
// that never answers.
func TestKillWhileCloningEndsGit(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	url := "http://" + silent.Addr().String() + "/x.git"
	b := setup(t)
	spec := b.spec("bash", "run.sh", "/")
	spec.Repository = job.Repository{ID: 1, URL: url, Branch: "main"}
	cmd := b.start(spec, job.Reject)
	require.NoError(t, cmd.Start())
	conn, err := silent.Accept()
	require.NoError(t, err)
	defer conn.Close()
	require.NotEmpty(t, alive(url))
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	eventually(t, 10*time.Second, "git to end", func() bool {
		_, err := b.local.Sweep(t.Context())
		return err == nil && len(alive(url)) == 0
	})
	b.nothingLeft()
}

// TestAStopReachesTheToolThoughTheSinkBlocks holds the sink back and stops.
func TestAStopReachesTheToolThoughTheSinkBlocks(t *testing.T) {
	t.Parallel()
	sleep := mark()
	b := setup(t)
	release, blocked := make(chan struct{}), make(chan struct{}, 10)
	rec := &jobtest.Recorder{OnLine: func(l job.Line) {
		if l.Text == "ready" {
			blocked <- struct{}{}
			<-release
		}
	}}
	ctx, stopper := job.WithStopper(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.local.Run(ctx, b.spec("bash", "run.sh", directory(t, files{"run.sh": "echo ready; sleep " + sleep + "\n"})), rec)
	}()
	<-blocked
	stopper.Stop(nil)
	eventually(t, 5*time.Second, "the tool to end", func() bool { return len(alive("sleep "+sleep)) == 0 })
	close(release)
	require.ErrorIs(t, <-done, job.ErrStopped)
	b.nothingLeft()
	states := rec.Statuses()
	require.Equal(t, job.Stopping, states[len(states)-1].State, "it does not go back to running")
}

func TestAPanicOfTheSinkIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rec := &jobtest.Recorder{OnConfirm: func(context.Context, job.Prompt) (job.Answer, error) { panic("in the sink") }}
	err := b.run(b.terraform(repository(t, files{"infra/main.tf": greeting})), rec)
	require.ErrorContains(t, err, "panicked: in the sink")
	require.NotContains(t, err.Error(), "goroutine")
}

func TestAnOverrideInPlaceIsSwept(t *testing.T) {
	t.Parallel()
	tool := jobtest.NewFakeTool(t, "terraform", "echo ready; sleep 60")
	for name, c := range map[string]struct {
		change func(text string) string
		stays  bool
	}{
		"the whole":              {change: func(text string) string { return text }},
		"half of it was written": {change: func(text string) string { return text[:len(text)/2] }},
		"nothing was written":    {change: func(string) string { return "" }},
		"somebody changed it":    {change: func(text string) string { return text + "# mine\n" }, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := directory(t, files{"infra/main.tf": ""})
			spec := b.spec("terraform", "infra", dir)
			spec.Terraform = &job.TerraformOptions{OverrideBackend: true}
			spec.Limits.StopGrace = 100 * time.Millisecond
			cmd := b.start(spec, job.Reject)
			cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(tool.Path)+":"+os.Getenv("PATH"))
			require.NoError(t, cmd.Start())
			file := filepath.Join(dir, "infra", "backend.tf")
			var text []byte
			eventually(t, 10*time.Second, "the override to be written", func() bool {
				text, _ = os.ReadFile(file)
				return strings.HasSuffix(string(text), "}\n}\n")
			})
			require.NoError(t, cmd.Process.Kill())
			_ = cmd.Wait()
			require.NoError(t, os.WriteFile(file, []byte(c.change(string(text))), 0o600))
			eventually(t, 15*time.Second, "the run to be swept", func() bool {
				swept, err := b.local.Sweep(t.Context())
				return err == nil && len(swept) == 1 && !swept[0].Ending
			})
			if c.stays {
				require.FileExists(t, file)
				return
			}
			require.NoFileExists(t, file)
		})
	}
}
