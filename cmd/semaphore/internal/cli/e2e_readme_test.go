//go:build linux

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the directory of the repository.
const root = "../../../.."

// TestTheFirstTenMinutesOfTheReadme runs the block of the README as it stands
// there, against a fresh server with the demo.
func TestTheFirstTenMinutesOfTheReadme(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## First ten minutes\n")
	require.True(t, found)
	_, block, found := strings.Cut(section, "\n```sh\n")
	require.True(t, found)
	block, _, found = strings.Cut(block, "\n```\n")
	require.True(t, found)
	for word := range strings.FieldsSeq("jq python perl awk wget") {
		require.NotRegexp(t, `\b`+word+`\b`, block, "it needs nothing but curl, sed and grep")
	}

	s := launch{args: []string{"--demo"}}.serve(t)
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", block)
	cmd.Dir = t.TempDir()
	cmd.Env = bareEnv(cmd.Dir, "S="+s.url, "P="+s.password, "TMPDIR="+cmd.Dir)
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	for _, part := range []string{
		`"name":"Demo"`, `"name":"Hello (script)"`, "event: end", `"status":"success"`, "\nargument: name=you\n", "\nthe token is ***\n",
		"Schedule", "Task 1 ended as success", "API token", `"username":"admin"`,
	} {
		require.Contains(t, string(out), part)
	}
	require.Regexp(t, `\["\d{4}-\d\d-\d\dT02:00:00Z",`, string(out))
	require.NotContains(t, string(out), s.password)
	require.NotContains(t, string(out), "correct-horse")
	s.stop()
}

// TestTheDocumentsLinkToWhatIsThere follows the links of the documents within
// the repository.
func TestTheDocumentsLinkToWhatIsThere(t *testing.T) {
	t.Parallel()
	documents := []string{"README.md", "deploy/README.md"}
	others, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, others)
	for _, file := range others {
		documents = append(documents, filepath.Join("docs", filepath.Base(file)))
	}
	link := regexp.MustCompile(`\]\(([^)#]+)`)
	for _, document := range documents {
		text, err := os.ReadFile(filepath.Join(root, document))
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(root, filepath.Dir(document), m[1]))
			require.NoErrorf(t, err, "%s links to %s", document, m[1])
		}
	}
}
