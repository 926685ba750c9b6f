package job_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// BenchmarkLocalJobOverhead prints what LocalJob costs beside the bare command,
// in pairs: a script in place, and one from a repository whose mirror is warm,
// with git's own fetch and clone beside it.
func BenchmarkLocalJobOverhead(b *testing.B) {
	const script = "echo hello\n"
	dir := repository(b, files{"run.sh": script})
	place := directory(b, files{"run.sh": script})
	s := setup(b)
	run := func(spec *job.Spec) time.Duration {
		begun := time.Now()
		require.NoError(b, s.local.Run(b.Context(), spec, &jobtest.Recorder{}))
		return time.Since(begun)
	}
	bare := func() time.Duration {
		begun := time.Now()
		cmd := exec.Command("bash", "run.sh")
		cmd.Dir = place
		require.NoError(b, cmd.Run())
		return time.Since(begun)
	}
	gitOnly := func(n int) time.Duration {
		mirrors, err := filepath.Glob(filepath.Join(s.dir, "mirrors", "*", "*.git"))
		require.NoError(b, err)
		begun := time.Now()
		git(b, mirrors[0], "fetch", "-q", "file://"+dir, "+refs/heads/*:refs/heads/*")
		clone := filepath.Join(b.TempDir(), fmt.Sprint(n))
		git(b, mirrors[0], "clone", "-q", "--shared", mirrors[0], clone)
		return time.Since(begun)
	}
	run(s.spec("bash", "run.sh", dir)) // warms the mirror
	var overPlace, overClone, overGit []time.Duration
	for b.Loop() {
		for n := range 30 {
			plain := bare()
			overPlace = append(overPlace, run(s.spec("bash", "run.sh", place))-plain)
			overClone = append(overClone, run(s.spec("bash", "run.sh", dir))-plain)
			overGit = append(overGit, gitOnly(n+len(overGit)))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(median(overPlace)), "ms-overhead-in-place")
	b.ReportMetric(ms(median(overClone)), "ms-overhead-cloned")
	b.ReportMetric(ms(median(overGit)), "ms-bare-git")
}

// BenchmarkTerraformWithoutChanges prints the ratio of an apply that finds
// nothing to do to the bare commands.
func BenchmarkTerraformWithoutChanges(b *testing.B) {
	if _, err := exec.LookPath("terraform"); err != nil {
		b.Skip("terraform is not installed")
	}
	s := setup(b)
	dir := repository(b, files{"infra/main.tf": `resource "terraform_data" "a" {}`})
	spec := func() *job.Spec {
		t := s.spec("terraform", "infra", dir)
		t.Terraform = &job.TerraformOptions{AutoApprove: true}
		return t
	}
	require.NoError(b, s.local.Run(b.Context(), spec(), &jobtest.Recorder{}))
	place := directory(b, files{"main.tf": `resource "terraform_data" "a" {}`})
	terraform := func(args ...string) {
		cmd := exec.Command("terraform", args...)
		cmd.Dir, cmd.Env = place, append(os.Environ(), "TF_CLI_CONFIG_FILE=/dev/null", "CHECKPOINT_DISABLE=1")
		require.NoError(b, cmd.Run())
	}
	terraform("init", "-input=false")
	terraform("apply", "-input=false", "-auto-approve")
	var ours, theirs []time.Duration
	for b.Loop() {
		for range 7 {
			begun := time.Now()
			require.NoError(b, s.local.Run(b.Context(), spec(), &jobtest.Recorder{}))
			ours = append(ours, time.Since(begun))
			begun = time.Now()
			require.NoError(b, os.RemoveAll(filepath.Join(place, ".terraform")))
			terraform("init", "-input=false")
			terraform("apply", "-input=false", "-auto-approve")
			theirs = append(theirs, time.Since(begun))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(median(ours)), "ms-job")
	b.ReportMetric(ms(median(theirs)), "ms-bare")
	b.ReportMetric(ms(median(ours))/ms(median(theirs)), "ratio")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
