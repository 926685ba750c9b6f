package semaphore_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/alexandervashurin/semaphore"

// layers tells the height of each package; imports point down only. A path
// ending in /... covers everything below it.
var layers = []struct {
	pattern string
	level   int
}{
	{"cmd/...", 5},
	{"examples/...", 5},
	{"", 4},
	{"internal/flock", 0},    // a primitive that both stores and job need
	{"internal/daemon", 0},   // throw-away servers of tests
	{"internal/jsontext", 0}, // what backups and bodies of requests are held to
	{"internal/outgoing", 0}, // a guarded dialer that everything may need
	{"internal/crash", 5},    // a harness around whole programs
	{"internal/cluster", 5},  // a harness around whole programs
	{"internal/...", 3},
	{"pool", 2},
	{"pool/internal/...", 0},
	{"pool/pooltest", 3},
	{"job/internal/...", 0},
	{"job/jobtest", 1},
	{"job/gogit", 1},
	{"job", 1},
	{"auth", 1},
	{"export", 1},
	{"export/foreign", 1}, // apart, for it links drivers that nothing else needs
	{"store/internal/logchunk", 0},
	{"store/internal/...", 1},
	{"store/storetest", 1},
	{"store/memory", 1},
	{"store/sqlite", 1},
	{"store/postgres", 1},
	{"store/open", 1},
	{"store", 0},
	{"crypto", 0},
	{"mail", 0},
	{"mail/mailtest", 1},
}

// sides are suites and fakes: only tests may import them.
var sides = []string{"job/jobtest", "store/storetest", "pool/pooltest", "mail/mailtest"}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func level(t *testing.T, rel string) int {
	t.Helper()
	for _, l := range layers {
		if prefix, ok := strings.CutSuffix(l.pattern, "/..."); ok {
			if rel == prefix || strings.HasPrefix(rel, prefix+"/") {
				return l.level
			}
		} else if rel == l.pattern {
			return l.level
		}
	}
	t.Fatalf("package %q has no layer: add it to the table, with a reason in the commit", rel)
	return 0
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	require.NoError(t, err)
	var list []goPackage
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		list = append(list, p)
	}
}

func relative(importPath string) (string, bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from, ok := relative(p.ImportPath)
		require.True(t, ok)
		for _, imported := range p.Imports {
			to, ours := relative(imported)
			if !ours {
				continue
			}
			require.LessOrEqualf(t, level(t, to), level(t, from), "%s imports %s, which is above it", from, to)
			if slices.Contains(sides, to) && !slices.Contains(sides, from) {
				t.Errorf("%s imports %s: suites and fakes are for tests", from, to)
			}
			if to == "job/gogit" {
				require.True(t, strings.HasPrefix(from, "cmd/"), "%s imports job/gogit: only programs that ask for go-git link it", from)
			}
		}
	}
}

// TestJobLinksNoStore keeps the executor small: it needs no database, and no
// go-git unless a program asks for it.
func TestJobLinksNoStore(t *testing.T) {
	t.Parallel()
	for _, dep := range dependencies(t, "./job") {
		require.NotEqual(t, "database/sql", dep)
		require.NotContains(t, dep, "go-git")
		if rel, ours := relative(dep); ours {
			require.True(t, rel == "job" || strings.HasPrefix(rel, "job/internal/") || rel == "internal/flock", "job depends on %s", rel)
		}
	}
}

// TestLinksNoDriver keeps what an embedder brings his own store to free of the
// SQL stores, and the vocabulary of all stores free of everything.
func TestLinksNoDriver(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{".", "./pool", "./pool/pooltest", "./store/memory", "./examples/customstore", "./examples/unittest"} {
		for _, dep := range dependencies(t, pkg) {
			require.NotContainsf(t, dep, "modernc.org/", "%s links a database", pkg)
			require.NotContainsf(t, dep, "github.com/jackc/", "%s links a database", pkg)
			if pkg != "." { // the collectors of Prometheus know how to watch a database
				require.NotEqualf(t, "database/sql", dep, "%s links SQL", pkg)
			}
			require.NotContainsf(t, dep, "go-git", "%s links go-git", pkg)
		}
	}
	for _, pkg := range []string{".", "./export", "./store/open"} {
		for _, dep := range dependencies(t, pkg) {
			require.NotContainsf(t, dep, "go-sql-driver", "%s links a driver of old databases", pkg)
			require.NotContainsf(t, dep, "bbolt", "%s links a driver of old databases", pkg)
		}
	}
	for _, dep := range dependencies(t, "./store") {
		first, _, _ := strings.Cut(dep, "/")
		require.Truef(t, dep == module+"/store" || !strings.Contains(first, "."), "store depends on %s", dep)
	}
}

// dependencies lists the packages that a package links.
func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

// TestNoPackageWithoutSubject holds the names of packages against the list of
// those that say nothing.
func TestNoPackageWithoutSubject(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		require.NotContains(t, []string{"util", "utils", "common", "helpers", "types", "models"}, path.Base(p.ImportPath))
	}
}
