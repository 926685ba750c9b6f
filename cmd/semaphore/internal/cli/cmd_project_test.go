package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

const secretOfKey = "canary-of-the-key"

// furnish adds users and a project with a key that holds something.
func (s site) furnish(t *testing.T) {
	t.Helper()
	s.must(t, "", "user", "add", "--login", "bob", "--name", "Bob", "--email", "bob@example.org", "--password", "first")
	s.must(t, "", "user", "add", "--login", "ann", "--name", "Ann", "--email", "ann@example.org", "--password", "first", "--admin")
	st := s.store(t)
	ring, err := crypto.NewRing(s.key)
	require.NoError(t, err)
	p, err := st.Projects().Create(t.Context(), store.Project{Name: "Shop"})
	require.NoError(t, err)
	k, err := st.Keys().Create(t.Context(), store.AccessKey{ProjectID: p.ID, Name: "deploy", Type: store.KeyString})
	require.NoError(t, err)
	sealed, err := ring.Seal([]byte(secretOfKey), crypto.AD{Table: "access_key", ProjectID: p.ID, ID: k.ID, Field: "secret"})
	require.NoError(t, err)
	k.Secret = &sealed
	require.NoError(t, st.Keys().Update(t.Context(), k))
}

// project finds a project and its only key.
func (s site) project(t *testing.T, name string) (store.Project, store.AccessKey) {
	t.Helper()
	st := s.store(t)
	page, err := st.Projects().List(t.Context(), 0, store.Query{Where: map[string]any{"name": name}})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	keys, err := st.Keys().List(t.Context(), page.Items[0].ID, store.Query{})
	require.NoError(t, err)
	require.Len(t, keys.Items, 1)
	return page.Items[0], keys.Items[0]
}

func (s site) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestAProjectIsExportedAndImported(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.furnish(t)
	file := filepath.Join(s.dir, "shop.json")
	s.must(t, "", "project", "export", "--project-name", "sHOP", "--file", file)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(text), secretOfKey)
	require.Equal(t, string(text), s.must(t, "", "projects", "export", "--project-id", "1"))

	out := s.must(t, "", "project", "import", "--file", file, "--project-name", "Again")
	require.Contains(t, out, `"Again" is made, its owner is ann`)
	require.Contains(t, out, `key "deploy" of type string has no value`)
	p, key := s.project(t, "Again")
	require.Nil(t, key.Secret)
	member, err := s.store(t).Projects().Members().List(t.Context(), p.ID, store.Query{})
	require.NoError(t, err)
	require.Equal(t, "owner", member.Items[0].Role)
	require.Contains(t, s.must(t, string(text), "project", "import", "--file", "-", "--project-name", "Third", "--owner", "bob"), "its owner is bob")
	code, _, errs := s.call(t, "", "project", "import", "--file", file)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "has that name already")
}

func TestAnEncryptedBackupBringsSecrets(t *testing.T) {
	t.Parallel()
	s, other := newSite(t, nil), newSite(t, nil)
	s.furnish(t)
	other.must(t, "", "user", "add", "--login", "eve", "--name", "Eve", "--email", "eve@example.org", "--password", "first")
	file, identity := filepath.Join(s.dir, "shop.sealed"), filepath.Join(s.dir, "identity")
	recipient := strings.TrimSpace(s.must(t, "", "project", "key", "--file", identity))
	s.must(t, "", "project", "export", "--project-id", "1", "--file", file, "--recipient", recipient)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(text), secretOfKey)

	code, _, errs := other.call(t, "", "project", "import", "--file", file)
	require.Equal(t, cli.ExitUsage, code)
	require.Contains(t, errs, "--identity-file")
	out := other.must(t, "", "project", "import", "--file", file, "--identity-file", identity)
	require.NotContains(t, out, "no value")
	require.NotContains(t, out, secretOfKey)
	p, key := other.project(t, "Shop")
	ring, err := crypto.NewRing(other.key)
	require.NoError(t, err)
	plain, err := ring.Open(*key.Secret, crypto.AD{Table: "access_key", ProjectID: p.ID, ID: key.ID, Field: "secret"})
	require.NoError(t, err)
	require.Equal(t, secretOfKey, string(plain))

	words := s.write(t, "words", "correct horse\n")
	s.must(t, "correct horse\n", "project", "export", "--project-id", "1", "--file", file, "--encrypt")
	s.must(t, "", "project", "import", "--file", file, "--passphrase-file", words, "--project-name", "By words")
	_, key = s.project(t, "By words")
	require.NotNil(t, key.Secret)
}

func TestADirectoryOfBackups(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.must(t, "", "user", "add", "--login", "ann", "--name", "Ann", "--email", "ann@example.org", "--password", "first")
	backup := func(name string) string { return fmt.Sprintf(`{"meta":{"name":%q}}`, name) }
	dir := filepath.Join(s.dir, "backups")
	s.write(t, "backups/b.json", backup("b"))
	s.write(t, "backups/a/c.backup", backup("c"))
	s.write(t, "backups/a/d.bk", backup("d"))
	s.write(t, "backups/a/e.txt", backup("e"))
	s.write(t, "backups/z.json", backup("b"))
	s.write(t, "backups/broken.json", "{")
	code, out, errs := s.call(t, "", "project", "import", "--dir", dir)
	require.Zero(t, code, errs)
	require.Regexp(t, `(?s)c\.backup: project 1 "c".*d\.bk: project 2 "d".*b\.json: project 3 "b"`, out)
	require.Contains(t, errs, "broken.json")
	require.Contains(t, errs, "z.json")
	code, _, _ = s.call(t, "", "project", "import", "--dir", dir)
	require.Equal(t, cli.ExitFailure, code, "none succeeded")
	sealed := filepath.Join(s.dir, "sealed")
	require.NoError(t, os.Mkdir(sealed, 0o700))
	words := s.write(t, "words", "correct horse\n")
	s.must(t, "", "project", "export", "--project-id", "1", "--file", filepath.Join(sealed, "c.sealed"), "--passphrase-file", words)
	require.NoError(t, os.Rename(filepath.Join(sealed, "c.sealed"), filepath.Join(sealed, "c.bk")))
	code, _, errs = s.call(t, "", "project", "import", "--dir", sealed)
	require.Equal(t, cli.ExitFailure, code, "a file that lacks its passphrase is no wrong usage of --dir")
	require.Contains(t, errs, "--passphrase-file")
}

func TestProjectCommandsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	file := s.write(t, "p.json", `{"meta":{"name":"p"}}`)
	plain := s.write(t, "plain.sealed", `{"meta":{"name":"p"}}`)
	words := s.write(t, "words", "correct horse\n")
	code, _, errs := s.call(t, "", "project", "import", "--file", file)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "semaphore user add")
	s.furnish(t)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"project export", cli.ExitUsage, "--project-id or --project-name"},
		{"project export --project-id 9", cli.ExitFailure, "no project 9"},
		{"project export --project-name nothing", cli.ExitFailure, `"nothing"`},
		{"project export --project-id 1 --file x.sealed", cli.ExitUsage, "--encrypt"},
		{"project export --project-id 1 --file x.json --encrypt", cli.ExitUsage, ".sealed"},
		{"project export --project-id 1 --recipient nonsense", cli.ExitFailure, "age1"},
		{"project export --project-id 1 --recipient age1x --encrypt", cli.ExitUsage, "excludes"},
		{"project export --project-id 1 --encrypt", cli.ExitUsage, "--passphrase-file"},
		{"project export --project-id 1 --file /nowhere/x.json", cli.ExitFailure, "/nowhere/x.json"},
		{"project import", cli.ExitUsage, "--file or --dir"},
		{"project import --file a --dir b", cli.ExitUsage, "--file or --dir"},
		{"project import --dir b --project-name x", cli.ExitUsage, "--project-name"},
		{"project import --file /nowhere/x.json", cli.ExitFailure, "no such file"},
		{"project import --dir /nowhere", cli.ExitUsage, "no such file"},
		{"project import --dir " + t.TempDir(), cli.ExitFailure, "no backup"},
		{"project import --file " + file + " --owner nobody", cli.ExitFailure, "nobody"},
		{"project import --file " + file + " --passphrase-file /nowhere/p", cli.ExitUsage, "--passphrase-file"},
		{"project import --file " + file + " --passphrase-file " + words, cli.ExitUsage, "not encrypted"},
		{"project import --file " + plain, cli.ExitFailure, "not encrypted"},
		{"project import --file " + plain + " --passphrase-file " + words, cli.ExitFailure, "not encrypted"},
		{"project key", cli.ExitUsage, "--file"},
		{"project key --file " + file, cli.ExitUsage, "there already"},
	} {
		code, _, errs := s.call(t, "", strings.Fields(c.args)...)
		require.Equal(t, c.code, code, "%s: %s", c.args, errs)
		require.Contains(t, errs, c.says, c.args)
	}
}
