package job_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

// FuzzPath holds accepted paths against the one thing that counts: joined to a
// checkout they stay inside it, and they are no option.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"site.yml", "a/b.yml", "./a", "a/../b", "../x", "/etc/passwd", "-x", "a\nb", "a//b", ".", "..", "a/..", `..\x`, "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		spec := scriptSpec()
		spec.Playbook = path
		if spec.Validate() != nil || filepath.IsAbs(path) {
			return
		}
		joined := filepath.Join("/checkout/of/task", path)
		require.True(t, joined == "/checkout/of/task" || strings.HasPrefix(joined, "/checkout/of/task/"), "%q", path)
		require.False(t, strings.HasPrefix(path, "-"))
		require.NotContains(t, path, "\n")
	})
}

// TestLinksOutOfTheCheckoutAreNotFollowed covers every file that a Spec names.
func TestLinksOutOfTheCheckoutAreNotFollowed(t *testing.T) {
	t.Parallel()
	outside := directory(t, files{"hosts": "evil ansible_connection=local\n", "pw*": "#!/bin/sh\necho x\n", "requirements.yml": "- src: x\n", "dir/main.tf": ""})
	for name, c := range map[string]struct {
		link, target string
		change       func(*job.Spec)
		field        string
	}{
		"an inventory":          {"hosts", "hosts", func(s *job.Spec) { s.Inventory.Type, s.Inventory.Text = job.InventoryFile, "hosts" }, "inventory.text"},
		"a vault script":        {"pw", "pw", func(s *job.Spec) { s.Vaults = []job.Vault{{Script: "pw"}} }, "vaults[0].script"},
		"requirements":          {"requirements.yml", "requirements.yml", func(*job.Spec) {}, "repository"},
		"a Terraform directory": {"infra", "dir", func(s *job.Spec) { s.App, s.Playbook, s.Inventory = "terraform", "infra", nil }, "playbook"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := directory(t, files{"site.yml": localPlay})
			require.NoError(t, os.Symlink(filepath.Join(outside, c.target), filepath.Join(dir, c.link)))
			spec := b.ansible(dir, "site.yml")
			c.change(spec)
			if spec.App == "terraform" {
				need(t, "terraform")
			}
			err := b.local.Run(t.Context(), spec, job.Discard{})
			var field *job.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, c.field, field.Field)
			b.nothingLeft()
		})
	}
}
