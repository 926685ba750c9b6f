package job_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

const localPlay = `- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: "{{ inventory_hostname }} runs {{ region | default('nowhere') }}"}
      tags: [one]
    - ansible.builtin.debug: {msg: "second"}
      tags: [two]
`

const twoHosts = "web1 ansible_connection=local\nweb2 ansible_connection=local\n"

func (b *bench) ansible(dir, playbook string) *job.Spec {
	need(b.t, "ansible-playbook")
	s := b.spec("ansible", playbook, dir)
	s.Inventory = &job.Inventory{ID: 1, Name: "hosts", Type: job.StaticINI, Text: twoHosts}
	return s
}

func TestAnsibleOptions(t *testing.T) {
	t.Parallel()
	dir := repository(t, files{"site.yml": localPlay, "hosts.ini": twoHosts, "inv/h.yml": "all: {hosts: {web9: {ansible_connection: local}}}\n"})
	for name, c := range map[string]struct {
		change   func(*job.Spec)
		has, not []string
	}{
		"all of it": {func(s *job.Spec) { s.Variables = map[string]any{"region": "eu"} }, []string{"web1 runs eu", "web2 runs eu", "second"}, nil},
		"a limit":   {func(s *job.Spec) { s.Ansible = &job.AnsibleOptions{Limit: []string{"web2"}} }, []string{"web2 runs"}, []string{"web1 runs"}},
		"an empty limit of the task is none": {func(s *job.Spec) {
			s.Ansible = &job.AnsibleOptions{Limit: []string{"web2"}, AllowOverrideLimit: true, TaskLimit: []string{}}
		}, []string{"web2 runs"}, []string{"web1 runs"}},
		"tags":      {func(s *job.Spec) { s.Ansible = &job.AnsibleOptions{Tags: []string{"two"}} }, []string{"second"}, []string{"web1 runs"}},
		"skip tags": {func(s *job.Spec) { s.Ansible = &job.AnsibleOptions{SkipTags: []string{"two"}} }, []string{"web1 runs"}, []string{"second"}},
		"static YAML": {func(s *job.Spec) {
			s.Inventory.Type, s.Inventory.Text = job.StaticYAML, "all: {hosts: {yaml1: {ansible_connection: local}}}"
		}, []string{"yaml1 runs"}, []string{"web1"}},
		"a file":      {func(s *job.Spec) { s.Inventory.Type, s.Inventory.Text = job.InventoryFile, "hosts.ini" }, []string{"web1 runs"}, nil},
		"a directory": {func(s *job.Spec) { s.Inventory.Type, s.Inventory.Text = job.InventoryFile, "inv" }, []string{"web9 runs"}, nil},
		"a file of another repository": {func(s *job.Spec) {
			s.Inventory.Type, s.Inventory.Text = job.InventoryFile, "other.ini"
			s.Inventory.Repository = &job.Repository{ID: 9, Name: "inventories", Branch: "main", URL: "file://" + repository(t, files{"other.ini": "other1 ansible_connection=local\n", "group_vars/all.yml": "region: beside\n"})}
		}, []string{"other1 runs beside"}, nil},
		"text from outside is not templated": {func(s *job.Spec) {
			s.Variables, s.Unsafe = map[string]any{"region": "{{ 6 * 7 }}"}, []string{"region"}
		}, []string{"{{ 6 * 7 }}"}, []string{"runs 42"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			spec := b.ansible(dir, "site.yml")
			c.change(spec)
			out := b.ok(spec).Output()
			for _, text := range c.has {
				require.Contains(t, out, text)
			}
			for _, text := range c.not {
				require.NotContains(t, out, text)
			}
		})
	}
}

// TestNothingFallsBackToAllHosts asks for hosts that are not there.
func TestNothingFallsBackToAllHosts(t *testing.T) {
	t.Parallel()
	dir := repository(t, files{"site.yml": localPlay})
	for name, change := range map[string]func(*job.Spec){
		"a limit that matches nothing": func(s *job.Spec) { s.Ansible = &job.AnsibleOptions{Limit: []string{"nobody"}} },
		"an inventory that is missing": func(s *job.Spec) { s.Inventory.Type, s.Inventory.Text = job.InventoryFile, "missing.ini" },
		"an empty limit":               func(s *job.Spec) { s.Ansible = &job.AnsibleOptions{Limit: []string{""}} },
		"an empty inventory":           func(s *job.Spec) { s.Inventory.Text = "\n# none\n" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			spec := b.ansible(dir, "site.yml")
			change(spec)
			rec := &jobtest.Recorder{}
			require.Error(t, b.run(spec, rec))
			require.NotContains(t, rec.Output(), "web1 runs")
		})
	}
}

func TestCheckAndDiffChangeNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	target := filepath.Join(t.TempDir(), "made")
	dir := repository(t, files{"site.yml": "- hosts: web1\n  gather_facts: false\n  tasks:\n    - ansible.builtin.copy: {content: \"new\\n\", dest: " + target + "}\n"})
	spec := b.ansible(dir, "site.yml")
	spec.Ansible = &job.AnsibleOptions{Check: true, Diff: true, AllowDebug: true, Debug: true, DebugLevel: 1}
	out := b.ok(spec).Output()
	require.Contains(t, out, "+new")
	require.NoFileExists(t, target)
	spec = b.ansible(dir, "site.yml")
	b.ok(spec)
	require.FileExists(t, target)
}

func TestTheTaskIsDescribedToThePlaybook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"site.yml": "- hosts: web1\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {var: semaphore_vars.task_details}\n    - ansible.builtin.debug: {msg: \"{{ password | length }}\"}\n"})
	spec := b.ansible(dir, "site.yml")
	spec.Task.Message = "it's \"quoted\""
	spec.Survey = map[string]job.Secret{"password": job.NewSecret("sixteen-letters!")}
	out := b.ok(spec).Output()
	require.Contains(t, out, `"commit_message": "first commit"`)
	require.Contains(t, out, `"inventory_name": "hosts"`)
	require.Contains(t, out, `"message": "it's \"quoted\""`)
	require.Contains(t, out, `"msg": "16"`)
}

func TestVaults(t *testing.T) {
	t.Parallel()
	need(t, "ansible-vault")
	encrypt := func(id, password, text string) string {
		file := filepath.Join(t.TempDir(), "pw")
		require.NoError(t, os.WriteFile(file, []byte(password), 0o600))
		cmd := exec.Command("ansible-vault", "encrypt_string", "--encrypt-vault-id", id, "--vault-id", id+"@"+file, "--name", id+"_value", text)
		out, err := cmd.Output()
		require.NoError(t, err)
		return string(out) + "\n"
	}
	play := "- hosts: web1\n  gather_facts: false\n  vars_files: [vars.yml]\n  tasks:\n    - ansible.builtin.debug: {msg: \"{{ default_value }} {{ prod_value }} {{ script_value }}\"}\n"
	dir := repository(t, files{
		"site.yml":      play,
		"vars.yml":      encrypt("default", "first-password", "alpha") + encrypt("prod", "second-password", "beta") + encrypt("script", "third-password", "gamma"),
		"pw-client.sh*": "#!/bin/sh\necho third-password\n",
	})
	b := setup(t)
	spec := b.ansible(dir, "site.yml")
	spec.Vaults = []job.Vault{{Password: job.NewSecret("first-password")}, {Name: "prod", Password: job.NewSecret("second-password")}, {Name: "script", Script: "pw-client.sh"}}
	require.Contains(t, b.ok(spec).Output(), "alpha beta gamma")

	spec = b.ansible(dir, "site.yml")
	spec.Vaults = []job.Vault{{Password: job.NewSecret("not-the-password")}, {Name: "prod", Password: job.NewSecret("second-password")}, {Name: "script", Script: "pw-client.sh"}}
	rec := &jobtest.Recorder{}
	var exit *job.ExitError
	require.ErrorAs(t, b.run(spec, rec), &exit)
	require.Contains(t, rec.Output(), "Decryption failed")
	require.ErrorContains(t, exit, "exit code")
	require.Contains(t, rec.System(), "vaults: none of the given passwords opens")
}

// becomeStandIn plays sudo: it asks for the password and runs what follows.
const becomeStandIn = `#!/usr/bin/env python3
import os, sys
args = sys.argv[1:]
prompt = args[args.index('-p') + 1]
user = args[args.index('-u') + 1]
sys.stderr.write(prompt); sys.stderr.flush()
if sys.stdin.readline().rstrip('\n') != 'become-canary-pw':
    sys.stderr.write('Sorry, try again.\n'); sys.exit(1)
os.environ['BECAME'] = user
os.execvp('/bin/sh', args[args.index('/bin/sh'):])
`

func TestBecomeWithAPassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tools := directory(t, files{"sudo*": becomeStandIn})
	dir := repository(t, files{"site.yml": "- hosts: web1\n  gather_facts: false\n  become: true\n  tasks:\n    - ansible.builtin.command: printenv BECAME\n      register: r\n    - ansible.builtin.debug: {msg: \"became {{ r.stdout }}\"}\n"})
	spec := b.ansible(dir, "site.yml")
	spec.Inventory.Text = "web1 ansible_connection=local ansible_become_exe=" + filepath.Join(tools, "sudo") + "\n"
	spec.Inventory.BecomeKey = &job.Key{Type: job.KeyLoginPassword, Login: "root", Password: job.NewSecret("become-canary-pw")}
	spec.Environment = map[string]string{"ANSIBLE_BECOME_ALLOW_SAME_USER": "True"}
	require.Contains(t, b.ok(spec).Output(), "became root")
}

func TestRequirementsAreInstalledAndCached(t *testing.T) {
	t.Parallel()
	role := repository(t, files{"meta/main.yml": "galaxy_info: {role_name: greet, author: t, description: d, license: MIT, min_ansible_version: '2.9', platforms: []}\ndependencies: []\n", "tasks/main.yml": "- ansible.builtin.debug: {msg: \"role of the requirements\"}\n"})
	git(t, role, "tag", "1.0.0")
	dir := repository(t, files{
		"ansible.cfg":                   "[defaults]\nroles_path = own_roles\n",
		"own_roles/mine/tasks/main.yml": "- ansible.builtin.debug: {msg: \"role of the repository\"}\n",
		"play/site.yml":                 "- hosts: web1\n  gather_facts: false\n  roles: [mine, greet]\n",
		"play/roles/requirements.yml":   "- name: greet\n  src: git+file://" + role + "\n  version: 1.0.0\n",
	})
	b := setup(t)
	spec := b.ansible(dir, "play/site.yml")
	rec := b.ok(spec)
	require.Contains(t, rec.Output(), "role of the requirements")
	require.Contains(t, rec.Output(), "role of the repository", "the repository's own roles_path still counts")
	require.Contains(t, rec.System(), "installing roles of play/roles/requirements.yml")
}

func TestCachedRequirementsAreNotInstalledTwice(t *testing.T) {
	t.Parallel()
	need(t, "ansible-playbook")
	// A stand-in for ansible-galaxy, because the real one would ask the network.
	tool := jobtest.NewFakeTool(t, "ansible-galaxy", `while [ "$1" != -p ]; do shift; done; mkdir -p "$2/greet/tasks"; echo '- ansible.builtin.debug: {msg: "installed"}' >"$2/greet/tasks/main.yml"`)
	program, err := exec.LookPath("ansible-playbook")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(program, filepath.Join(filepath.Dir(tool.Path), "ansible-playbook")))
	now := time.Now()
	b := setup(t, func(c *job.LocalConfig) {
		c.Apps = map[string]job.App{"ansible": {Path: filepath.Join(filepath.Dir(tool.Path), "ansible-playbook")}}
		c.Now = func() time.Time { return now }
	})
	dir := repository(t, files{
		"site.yml":                     "- hosts: web1\n  gather_facts: false\n  roles: [greet]\n",
		"roles/requirements.yml":       "- name: acme.greet\n  version: main\n",
		"collections/requirements.yml": "collections:\n  - name: acme.tools\n    version: 1.2.3\n",
	})
	count := func() (roles, collections int) {
		for _, call := range tool.Calls(t) {
			require.Equal(t, []string{"install", "-r"}, call.Args[1:3])
			require.Contains(t, call.Args, "--force")
			switch call.Args[0] {
			case "role":
				roles++
			case "collection":
				collections++
			}
		}
		return roles, collections
	}
	expect := func(roles, collections int, why string) {
		t.Helper()
		gotRoles, gotCollections := count()
		require.Equal(t, [2]int{roles, collections}, [2]int{gotRoles, gotCollections}, why)
	}
	require.Contains(t, b.ok(b.ansible(dir, "site.yml")).Output(), "installed")
	expect(1, 1, "the first run installs")
	b.ok(b.ansible(dir, "site.yml"))
	expect(1, 1, "the second finds them cached")
	now = now.Add(25 * time.Hour)
	b.ok(b.ansible(dir, "site.yml"))
	expect(2, 1, "a version that can move is resolved anew after a day")
	forced := b.ansible(dir, "site.yml")
	forced.Template.ForceGalaxy = true
	b.ok(forced)
	expect(3, 2, "on demand all are")
	write(t, dir, files{"roles/requirements.yml": "- name: acme.greet\n  version: other\n"})
	commit(t, dir, "other")
	b.ok(b.ansible(dir, "site.yml"))
	expect(4, 2, "another text is another cache")
	other := b.ansible(dir, "site.yml")
	other.Task.ProjectID = 2
	b.ok(other)
	expect(5, 3, "projects do not share")
}

func TestRequirementFiles(t *testing.T) {
	t.Parallel()
	var names []string
	for _, q := range job.RequirementFiles("plays/site.yml") {
		names = append(names, job.RequirementName(q))
	}
	require.Equal(t, "collection plays/collections/requirements.yml, collection plays/requirements.yml, collection collections/requirements.yml, collection requirements.yml, "+
		"role plays/roles/requirements.yml, role plays/requirements.yml, role roles/requirements.yml, role requirements.yml", strings.Join(names, ", "))
}

// TestOldAnsibleGetsPasswordsByInventory calls a stand-in of a version without
// the password-file options.
func TestOldAnsibleGetsPasswordsByInventory(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"2.9.27": true, "[core 2.11.12]": true, "[core 2.12.0]": false, "[core 2.14.18]": false} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			tool := jobtest.NewFakeTool(t, "ansible-playbook", `
if [ "$1" = --version ]; then echo "ansible-playbook `+version+`"; exit 0; fi
for a in "$@"; do case "$a" in *passwords.yml) echo "old way: $(grep -c ansible_become_password "$a")";; --connection-password-file) echo new way;; esac; done`)
			b := setup(t, func(c *job.LocalConfig) { c.Apps = map[string]job.App{"ansible": {Path: tool.Path}} })
			spec := b.spec("ansible", "site.yml", directory(t, files{"site.yml": localPlay}))
			spec.Inventory = &job.Inventory{
				Type: job.StaticINI, Text: twoHosts,
				UserKey:   &job.Key{Type: job.KeyLoginPassword, Login: "u", Password: job.NewSecret("connection-pw")},
				BecomeKey: &job.Key{Type: job.KeyLoginPassword, Password: job.NewSecret("become-password")},
			}
			out := b.ok(spec).Output()
			if want {
				require.Equal(t, "old way: 1\n", out)
			} else {
				require.Equal(t, "new way\n", out)
			}
		})
	}
}
