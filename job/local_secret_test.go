package job_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// probe looks, while tasks run, for a canary on every command line, and for
// files of the job that contain it and that others can read.
type probe struct {
	stop chan struct{}
	wg   sync.WaitGroup

	mu      sync.Mutex
	hits    []string
	samples int
}

func startProbe(canary string, dirs ...string) *probe {
	p := &probe{stop: make(chan struct{})}
	p.wg.Go(func() {
		for {
			select {
			case <-p.stop:
				return
			default:
				p.sample(canary, dirs)
			}
		}
	})
	return p
}

func (p *probe) sample(canary string, dirs []string) {
	hits := alive(canary)
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return nil
			}
			info, err := entry.Info()
			if err != nil || info.Size() > 1<<20 {
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), canary) {
				return nil
			}
			if info.Mode().Perm()&0o077 != 0 && reachable(path, dir) || strings.Contains(path, "/.git/") {
				hits = append(hits, path+" "+info.Mode().String())
			}
			return nil
		})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.samples++
	p.hits = append(p.hits, hits...)
}

// reachable tells whether other users get through the directories above path.
func reachable(path, top string) bool {
	for dir := filepath.Dir(path); len(dir) >= len(top); dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o011 == 0 {
			return false
		}
	}
	return true
}

func (p *probe) end(t *testing.T) {
	t.Helper()
	close(p.stop)
	p.wg.Wait()
	require.NotZero(t, p.samples)
	require.Empty(t, p.hits)
	t.Logf("%d samples", p.samples)
}

const planted = "CANARY-7f3a9c-secret"

func TestTheProbeFindsWhatItLooksFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": "sleep 1\n"}))
	spec.Template.SecretArgs = true // the one way to have it on a command line
	spec.Secrets = []job.SecretVar{{Name: "X", Kind: job.SecretExt, Value: job.NewSecret("visible-on-purpose-1")}}
	p := startProbe("visible-on-purpose-1")
	rec := b.ok(spec)
	close(p.stop)
	p.wg.Wait()
	require.NotEmpty(t, p.hits)
	require.Contains(t, rec.System(), "warning: secret_args")
}

// TestSecretsStayHidden runs every app with secrets in every place while the
// probe looks.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	secrets := func(s *job.Spec) {
		s.Secrets = []job.SecretVar{{Name: "TOKEN_ENV", Kind: job.SecretEnv, Value: job.NewSecret(planted + "-env")}, {Name: "token_var", Kind: job.SecretExt, Value: job.NewSecret(planted + "-var")}}
		s.Survey = map[string]job.Secret{"pin": job.NewSecret(planted + "-survey")}
		s.Repository.Key = &job.Key{Type: job.KeyLoginPassword, Login: "git", Password: job.NewSecret(planted + "-git")}
	}
	show := "import os\nfor n in ('TOKEN_ENV','token_var','pin'): print(n, os.environ.get(n))\n"
	for name, c := range map[string]struct {
		content files
		make    func(*bench, string) *job.Spec
	}{
		"bash":   {files{"run.sh": "sleep 0.5; env; echo $TOKEN_ENV | base64; printf '%q\\n' \"$token_var\"\n"}, func(b *bench, dir string) *job.Spec { return b.spec("bash", "run.sh", dir) }},
		"python": {files{"run.py": show}, func(b *bench, dir string) *job.Spec { return b.spec("python", "run.py", dir) }},
		"ansible": {files{"site.yml": "- hosts: web1\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {msg: \"{{ token_var }} {{ pin }} {{ lookup('env', 'TOKEN_ENV') }}\"}\n    - ansible.builtin.command: sleep 0.3\n"}, func(b *bench, dir string) *job.Spec {
			s := b.ansible(dir, "site.yml")
			s.Inventory.UserKey = &job.Key{Type: job.KeyLoginPassword, Login: "x", Password: job.NewSecret(planted + "-conn")}
			s.Inventory.BecomeKey = &job.Key{Type: job.KeyLoginPassword, Login: "x", Password: job.NewSecret(planted + "-become")}
			s.Vaults = []job.Vault{{Password: job.NewSecret(planted + "-vault")}}
			return s
		}},
		"terraform": {files{"infra/main.tf": "variable \"token_var\" {}\nvariable \"pin\" { sensitive = true }\nresource \"terraform_data\" \"a\" { input = [var.token_var, var.pin] }\noutput \"o\" { value = var.token_var }\n"}, func(b *bench, dir string) *job.Spec { return b.terraform(dir) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			spec := c.make(b, repository(t, c.content))
			secrets(spec)
			p := startProbe(planted, filepath.Join(b.dir, "run"), filepath.Join(b.dir, "mirrors"))
			rec := &jobtest.Recorder{Answer: job.Approve}
			err := b.run(spec, rec)
			p.end(t)
			require.NoError(t, err, logOf{rec})
			require.NotContains(t, rec.Log(), "CANARY")
			require.NotContains(t, rec.Log(), "Q0FOQVJ", "base64")
			require.Contains(t, rec.Log(), "***")
			left := filesWith(t, b.dir, planted)
			if name == "terraform" { // its state is the state store's, 0600
				for _, file := range left {
					require.Contains(t, file, filepath.Join(b.dir, "states"))
				}
				return
			}
			require.Empty(t, left)
		})
	}
}

// TestNothingIsLeftAfterFailureAndStop looks for the canary afterwards.
func TestNothingIsLeftAfterFailureAndStop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.ansible(repository(t, files{"site.yml": "- hosts: web1\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {msg: ready}\n    - ansible.builtin.command: sleep 30\n", "fail.sh": "exit 1\n"}), "site.yml")
	spec.Secrets = []job.SecretVar{{Name: "TOKEN", Kind: job.SecretExt, Value: job.NewSecret(planted)}}
	_, took, err := b.stopAt(spec, "ready", func(s *job.Stopper) { s.Stop(nil) })
	require.ErrorIs(t, err, job.ErrStopped)
	t.Logf("stop of Ansible to its end: %v", took.Round(time.Millisecond))
	require.Empty(t, filesWith(t, b.dir, planted))
	spec.App, spec.Playbook, spec.Inventory = "bash", "fail.sh", nil
	require.Error(t, b.run(spec, &jobtest.Recorder{}))
	require.Empty(t, filesWith(t, b.dir, planted))
}
