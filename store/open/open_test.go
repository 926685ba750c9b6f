package open_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/open"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAURLNamesAStore(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, test := range []struct{ address, file string }{
		{"sqlite://" + filepath.ToSlash(dir) + "/a.db", "a.db"},
		{"sqlite:b.db", "b.db"},
		{"sqlite:./sub/c.db", "sub/c.db"},
		{"SQLite:" + filepath.ToSlash(dir) + "/d.db", "d.db"},
		{"file:e.db", "e.db"},
		{"file://" + filepath.ToSlash(dir) + "/f%20%25%3f%23.db", "f %?#.db"},
		{"memory:", ""},
	} {
		t.Run(test.address[:strings.Index(test.address, ":")]+" "+test.file, func(t *testing.T) {
			s, err := open.Open(t.Context(), test.address, open.Config{})
			require.NoError(t, err)
			_, err = s.Projects().Create(t.Context(), store.Project{Name: "p"})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			if test.file != "" {
				_, err = os.Stat(filepath.Join(dir, test.file))
				require.NoError(t, err)
			}
		})
	}
}

func TestOtherURLsNameWhatIsPossible(t *testing.T) {
	t.Parallel()
	for address, says := range map[string]string{
		"":                             "no scheme",
		"semaphore.db":                 "no scheme",
		"sqlite:":                      "no path",
		"sqlite:///":                   "no path",
		"sqlite://host/file":           "no host",
		"sqlite:a.db?mode=memory":      "no parameters",
		"sqlite:%zz":                   "cannot be read",
		"memory:shared":                "no name",
		"postgres://u:secret@ho st/db": "cannot be read",
		"postgres://u:secret@host/db?sslmode=secret": "sslmode",
		"postgresql://u:secret@host/db?schema=A":     "small letters",
		"redis://secret@host":                        "no store is called redis",
		"mysql://root:secret@host/db":                "import-semaphore",
		"bolt:database.boltdb":                       "import-semaphore",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			_, err := open.Open(context.Background(), address, open.Config{})
			require.ErrorIs(t, err, store.ErrInvalid)
			require.ErrorContains(t, err, says)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}
