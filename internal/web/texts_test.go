package web_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// textsFile lists what the server may say to people. The page translates it.
const textsFile = "ui/src/i18n/server.en.json"

// sources are the packages whose texts reach people: refusals, events, reasons
// of tasks and of waiting. What only operators or runners read is left out.
var sources = []source{
	{dir: "store", only: `^(errors|queue|task)`},
	{dir: "internal/api", not: `^(openapi|doc|terraform_http|internal_runner(_task|_artifact|_again)?\.go)`},
	{dir: "internal/apps", errs: true},
	{dir: "internal/hook"},
	{dir: "internal/secret", errs: true},
	{dir: "internal/alert", errs: true, not: `^(config|words|facts)`},
	{dir: "internal/outgoing", errs: true},
	{dir: "auth"},
	{dir: "mail", errs: true, only: `^smtp`},
	{dir: "pool", errs: true, not: `^(reap|summon|outbox|elsewhere|rotate|remote|run|keep|pool|schedule)[._]`, says: "Explain"},
	{dir: "pool/internal/cron", errs: true},
	{dir: "job", errs: true, not: `^(worker|remote|bundle|dirstore|sweep|spec|cache|state)[._]`},
	{dir: "job/gogit", errs: true},
	{dir: "job/internal/giturl", errs: true},
	{dir: "job/internal/proc", errs: true, only: `^proc`},
	{dir: "job/internal/sshagent", errs: true},
	{dir: "crypto", errs: true, only: `^(errors|sshkey|seal|ring|legacy)`},
	{dir: "export", only: `^(backup|restore)`},
	{dir: "store/internal/schema"},
	{dir: "store/internal/sqlstore", only: `^(append|event|expire|finish|lease)`},
}

func TestTheListOfTextsIsThatOfTheSources(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, r := range readers(t, "../..", sources) {
		r.read()
		maps.Copy(found, r.found)
	}
	want := slices.Sorted(maps.Keys(found))
	if os.Getenv("UPDATE_TEXTS") != "" {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		require.NoError(t, enc.Encode(want))
		require.NoError(t, os.WriteFile(textsFile, out.Bytes(), 0o600))
	}
	body, err := os.ReadFile(textsFile)
	require.NoError(t, err)
	var got []string
	require.NoError(t, json.Unmarshal(body, &got))
	const cure = "refresh the list with UPDATE_TEXTS=1, and translate what is new in server.*.json beside it"
	require.Empty(t, without(want, got), "texts that the list lacks: %s", cure)
	require.Empty(t, without(got, want), "texts that nobody says any more: %s", cure)
	require.True(t, slices.Equal(want, got), "the list is not sorted: %s", cure)
}

// without is what one list has and the other has not.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

func TestTextsAreFoundWhereverTheyAreMade(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range readers(t, "testdata", []source{{dir: "texts", says: "explain"}}) {
		r.read()
		got = slices.Sorted(maps.Keys(r.found))
	}
	require.Equal(t, []string{
		`Thing "{1}" was {2}`,
		"at once",
		"broken: {1}",
		"ended: runner lost",
		"is 100% wrong: use x",
		"runner lost",
		"stopped",
		"stopped by force",
		`thing "x" created`,
		"waits for {1}",
		"waits no more",
	}, got)
}
