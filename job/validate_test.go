package job_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

func scriptSpec() *job.Spec {
	return &job.Spec{
		Version: job.SpecVersion, App: "bash", Playbook: "run.sh",
		Repository: job.Repository{URL: "https://git.example.org/x.git", Branch: "main"},
	}
}

func ansibleSpec() *job.Spec {
	s := scriptSpec()
	s.App, s.Playbook = "ansible", "site.yml"
	s.Inventory = &job.Inventory{Type: job.StaticINI, Text: "web1"}
	return s
}

func terraformSpec() *job.Spec {
	s := scriptSpec()
	s.App, s.Playbook = "terraform", "infra"
	return s
}

// TestBadInputNamesFieldAndCure is the list of what is refused before anything
// runs.
func TestBadInputNamesFieldAndCure(t *testing.T) {
	t.Parallel()
	script, ansible, terraform := scriptSpec, ansibleSpec, terraformSpec
	for _, c := range []struct {
		name   string
		make   func() *job.Spec
		change func(*job.Spec)
		field  string
		says   string
	}{
		{"another version", script, func(s *job.Spec) { s.Version = 9 }, "version", "knows"},
		{"an empty playbook", script, func(s *job.Spec) { s.Playbook = "" }, "playbook", "empty"},
		{"a climbing playbook", script, func(s *job.Spec) { s.Playbook = "../x.sh" }, "playbook", "leaves the repository"},
		{"a hidden climb", script, func(s *job.Spec) { s.Playbook = "a/../../x.sh" }, "playbook", "leaves"},
		{"an option as playbook", script, func(s *job.Spec) { s.Playbook = "--version" }, "playbook", "dash"},
		{"a line feed in the playbook", script, func(s *job.Spec) { s.Playbook = "a\nb" }, "playbook", "control"},
		{"an option as URL", script, func(s *job.Spec) { s.Repository.URL = "--upload-pack=touch x" }, "repository.url", ""},
		{"another transport", script, func(s *job.Spec) { s.Repository.URL = "ext::sh -c touch% x" }, "repository.url", ""},
		{"an option as host", script, func(s *job.Spec) { s.Repository.URL = "ssh://-oProxyCommand=x/y" }, "repository.url", ""},
		{"credentials in the URL", script, func(s *job.Spec) { s.Repository.URL = "https://u:hunter2@h/x" }, "repository.url", "key"},
		{"an option as branch", script, func(s *job.Spec) { s.Repository.Branch = "--force" }, "repository.branch", ""},
		{"a malformed branch", script, func(s *job.Spec) { s.Repository.Branch = "a..b" }, "repository.branch", ""},
		{"a commit that is none", script, func(s *job.Spec) { s.Repository.Commit = "HEAD~1" }, "repository.commit", ""},
		{"a bad inventory repository", ansible, func(s *job.Spec) { s.Inventory.Repository = &job.Repository{URL: "ext::x"} }, "inventory.repository.url", ""},
		{"an empty inventory", ansible, func(s *job.Spec) { s.Inventory.Text = "# nobody\n\n" }, "inventory.text", "never falls back"},
		{"a climbing inventory", ansible, func(s *job.Spec) { s.Inventory.Type = job.InventoryFile; s.Inventory.Text = "../h" }, "inventory.text", "leaves"},
		{"a workspace for ansible", ansible, func(s *job.Spec) { s.Inventory.Type = job.TerraformWorkspace; s.Inventory.Text = "x" }, "inventory.type", "not for ansible"},
		{"an unknown inventory type", ansible, func(s *job.Spec) { s.Inventory.Type = "x" }, "inventory.type", "unknown"},
		{"an empty limit", ansible, func(s *job.Spec) { s.Ansible = &job.AnsibleOptions{Limit: []string{" "}} }, "ansible.limit", "empty"},
		{"a limit of commas", ansible, func(s *job.Spec) { s.Ansible = &job.AnsibleOptions{Limit: []string{","}} }, "ansible.limit", "all hosts"},
		{"an empty task limit", ansible, func(s *job.Spec) {
			s.Ansible = &job.AnsibleOptions{AllowOverrideLimit: true, TaskLimit: []string{""}}
		}, "ansible.limit", "empty"},
		{"an empty limit argument", ansible, func(s *job.Spec) { s.TemplateArgs.List = []string{"--limit="} }, "template_args", "all hosts"},
		{"an empty limit argument apart", ansible, func(s *job.Spec) { s.TaskArgs.List = []string{"-l", ""} }, "task_args", "all hosts"},
		{"a limit argument without value", ansible, func(s *job.Spec) { s.TemplateArgs.List = []string{"--limit"} }, "template_args", "all hosts"},
		{"an abbreviated empty limit", ansible, func(s *job.Spec) { s.TemplateArgs.List = []string{"--lim="} }, "template_args", "all hosts"},
		{"a grouped empty limit", ansible, func(s *job.Spec) { s.TemplateArgs.List = []string{"-Cl", ""} }, "template_args", "all hosts"},
		{"an empty subset", ansible, func(s *job.Spec) { s.TemplateArgs.List = []string{"--subset", " , "} }, "template_args", "all hosts"},
		{"stages for a script", script, func(s *job.Spec) { s.TemplateArgs.Stages = map[string][]string{"plan": nil} }, "template_args", "array"},
		{"a reserved variable", script, func(s *job.Spec) { s.Environment = map[string]string{"SEMAPHORE_X": "1"} }, "environment", "reserved"},
		{"a reserved survey variable", script, func(s *job.Spec) { s.Survey = map[string]job.Secret{"LD_PRELOAD": job.NewSecret("x")} }, "survey", "reserved"},
		{"PATH by survey", script, func(s *job.Spec) { s.Survey = map[string]job.Secret{"path": job.NewSecret("x")} }, "survey", "reserved"},
		{"a bad environment name", script, func(s *job.Spec) { s.Environment = map[string]string{"A-B": "1"} }, "environment", "letters"},
		{"a NUL in the environment", script, func(s *job.Spec) { s.Environment = map[string]string{"A": "\x00"} }, "environment", "NUL"},
		{"an option as variable", script, func(s *job.Spec) { s.Variables = map[string]any{"--x": "1"} }, "variables", "name"},
		{"an unknown kind of secret", script, func(s *job.Spec) { s.Secrets = []job.SecretVar{{Name: "A"}} }, "secrets[0]", "kind"},
		{"a key that does not parse", script, func(s *job.Spec) {
			s.Repository.Key = &job.Key{Type: job.KeySSH, PrivateKey: job.NewSecret("hunter2")}
		}, "repository.key.private_key", "no private key"},
		{"a key of an unknown type", script, func(s *job.Spec) { s.Repository.Key = &job.Key{Type: "x"} }, "repository.key.type", "use ssh"},
		{"a login that is an option", ansible, func(s *job.Spec) {
			s.Inventory.UserKey = &job.Key{Type: job.KeyLoginPassword, Login: "-oProxyCommand=x"}
		}, "inventory.user_key.login", "dash"},
		{"an ssh key to become", ansible, func(s *job.Spec) { s.Inventory.BecomeKey = &job.Key{Type: job.KeySSH} }, "inventory.become_key", "login and password"},
		{"a vault without password", ansible, func(s *job.Spec) { s.Vaults = []job.Vault{{}} }, "vaults[0]", "neither"},
		{"a vault id twice", ansible, func(s *job.Spec) {
			s.Vaults = []job.Vault{{Password: job.NewSecret("a")}, {Name: "default", Password: job.NewSecret("b")}}
		}, "vaults[1].name", "twice"},
		{"a vault id with @", ansible, func(s *job.Spec) { s.Vaults = []job.Vault{{Name: "a@b", Password: job.NewSecret("a")}} }, "vaults[0].name", "'@'"},
		{"a climbing vault script", ansible, func(s *job.Spec) { s.Vaults = []job.Vault{{Script: "../x"}} }, "vaults[0].script", "leaves"},
		{"destroy that is not allowed", terraform, func(s *job.Spec) { s.Terraform = &job.TerraformOptions{TaskDestroy: true} }, "terraform.task_destroy", "allow_destroy"},
		{"approval that is not allowed", terraform, func(s *job.Spec) { s.Terraform = &job.TerraformOptions{TaskAutoApprove: true} }, "terraform.task_auto_approve", "allow_auto_approve"},
		{"a climbing backend file", terraform, func(s *job.Spec) { s.Terraform = &job.TerraformOptions{BackendFile: "../x.tf"} }, "terraform.backend_file", ".tf"},
		{"a workspace that is an option", terraform, func(s *job.Spec) { s.Inventory = &job.Inventory{Type: job.TerraformWorkspace, Text: "-x"} }, "inventory.text", "workspace name"},
		{"ansible options elsewhere", terraform, func(s *job.Spec) { s.Ansible = &job.AnsibleOptions{} }, "ansible", "app ansible"},
		{"terraform options elsewhere", script, func(s *job.Spec) { s.Terraform = &job.TerraformOptions{} }, "terraform", "this app is bash"},
		{"an unknown host key policy", script, func(s *job.Spec) { s.HostKeys.Policy = "x" }, "host_keys.policy", "strict"},
		{"a known host with a line feed", script, func(s *job.Spec) {
			s.HostKeys.Known = []job.HostKey{{Host: "a\nb", Key: "ssh-rsa x"}}
		}, "host_keys.known[0]", "known_hosts"},
		{"a negative time-out", script, func(s *job.Spec) { s.Limits.Timeout = -time.Second }, "limits", "negative"},
		{"an unknown workspace kind", script, func(s *job.Spec) { s.Template.Workspace = "x" }, "template.workspace", "fresh or keep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			spec := c.make()
			require.NoError(t, spec.Validate(), "the spec before the change")
			c.change(spec)
			err := spec.Validate()
			require.ErrorIs(t, err, job.ErrInvalid)
			var field *job.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, c.field, field.Field)
			require.Contains(t, field.Reason, c.says)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestReservedName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"PATH", "path", "LD_PRELOAD", "DYLD_X", "GIT_SSH", "SSH_AUTH_SOCK", "BASH_ENV", "ENV", "IFS", "PYTHONPATH", "SEMAPHORE_TASK"} {
		require.True(t, job.ReservedName(name), name)
	}
	for _, name := range []string{"TOKEN", "AWS_PROFILE", "PATHS", "MY_PATH", "LDX", "REGION"} {
		require.False(t, job.ReservedName(name), name)
	}
}

func TestSecretNeverShowsItself(t *testing.T) {
	t.Parallel()
	spec := scriptSpec()
	spec.Secrets = []job.SecretVar{{Name: "A", Kind: job.SecretEnv, Value: job.NewSecret("hunter2")}}
	spec.Survey = map[string]job.Secret{"b": job.NewSecret("hunter2")}
	spec.Repository.Key = &job.Key{Password: job.NewSecret("hunter2"), PrivateKey: job.NewSecret("hunter2")}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", spec.Secrets[0].Value, "spec", *spec)
	shown := log.String()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		shown += fmt.Sprintf(format, *spec) + fmt.Sprintf(format, spec.Secrets[0].Value) + fmt.Sprintf(format, *spec.Repository.Key)
	}
	require.NotContains(t, shown, "hunter2")
	require.NotContains(t, strings.ToLower(shown), "68756e74657232")
	require.Contains(t, shown, "***")
}

func TestConclude(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want job.Outcome
		code int
	}{
		{nil, job.Success, 0},
		{job.ErrStopped, job.Stopped, 0},
		{job.ErrShutdown, job.Stopped, 0},
		{fmt.Errorf("x: %w", job.ErrTimeout), job.Failure, 0},
		{fmt.Errorf("%w: no answer", job.ErrLeaseLost), job.Failure, 0},
		{job.ErrRejected, job.Failure, 0},
		{job.ErrHeld, job.Held, 0},
		{&job.ExitError{Tool: "bash", Code: 3}, job.Failure, 3},
		{fmt.Errorf("x"), job.Failure, 0},
	} {
		got := job.Conclude(c.err)
		require.Equal(t, c.want, got.Outcome, "%v", c.err)
		require.Equal(t, c.code, got.ExitCode)
		require.Equal(t, errors.Is(c.err, job.ErrLeaseLost), got.Cause == job.CauseLost)
	}
}
