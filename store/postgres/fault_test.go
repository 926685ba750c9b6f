package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

func TestErrorsAreMappedByTheirCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		"23505": sqlstore.ErrUnique, "23503": sqlstore.ErrForeignKey,
		"40001": store.ErrBusy, "40P01": store.ErrBusy, "55P03": store.ErrBusy, "57P01": store.ErrBusy, "57P03": store.ErrBusy,
		"08006": store.ErrBusy, "53300": store.ErrBusy, "25006": store.ErrBusy, "25P03": store.ErrBusy,
		"53100": store.ErrFull, "22021": store.ErrInvalid, "28P01": nil, "42P01": nil, "3D000": nil,
	} {
		err := fmt.Errorf("query: %w", &pgconn.PgError{Code: code})
		got := postgres.Fault(err)
		require.ErrorIs(t, got, err, code)
		for _, kind := range []error{sqlstore.ErrUnique, sqlstore.ErrForeignKey, store.ErrBusy, store.ErrFull, store.ErrInvalid} {
			require.Equal(t, errors.Is(kind, want), errors.Is(got, kind), "%s %v", code, kind)
		}
	}
	require.NoError(t, postgres.Fault(nil))
	require.ErrorIs(t, postgres.Fault(io.ErrUnexpectedEOF), store.ErrBusy)
	require.NotErrorIs(t, postgres.Fault(fmt.Errorf("timeout: %w", context.DeadlineExceeded)), store.ErrBusy)
}

func TestTablesAreQualifiedAndNothingElseIs(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`SELECT "inventory" FROM inventory`:                                                       `SELECT "inventory" FROM s.inventory`,
		"UPDATE task SET environment = $1 WHERE id = $2":                                          "UPDATE s.task SET environment = $1 WHERE id = $2",
		"INSERT INTO option (key) VALUES ($1) ON CONFLICT DO UPDATE SET":                          "INSERT INTO s.option (key) VALUES ($1) ON CONFLICT DO UPDATE SET",
		"DELETE FROM\n\t\tevent WHERE 1 IN (SELECT 1 FROM task t JOIN template p ON p.id = t.id)": "DELETE FROM\n\t\ts.event WHERE 1 IN (SELECT 1 FROM s.task t JOIN s.template p ON p.id = t.id)",
		"SELECT 1 FROM waiting w WHERE a IS NOT DISTINCT FROM $1 FOR NO KEY UPDATE":               "SELECT 1 FROM waiting w WHERE a IS NOT DISTINCT FROM $1 FOR NO KEY UPDATE",
		"SELECT 1 FROM other.task, pg_class":                                                      "SELECT 1 FROM other.task, pg_class",
	} {
		require.Equal(t, want, postgres.Qualify("s", query))
	}
}

func TestTextIsSearchedInAllAlphabets(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, name := range []string{"Привет Мир", "straße", `100%_[a]*?\d.(|){2}^$+`, "plain"} {
		_, err := s.Projects().Create(t.Context(), store.Project{Name: name})
		require.NoError(t, err)
	}
	for search, want := range map[string]int{
		"пРИВЕТ": 1, "STRA": 1, "%": 1, "_": 1, "[a]": 1, "*": 1, "?": 1, "A": 3, "]": 1, "^": 1, `\`: 1, `\D`: 1, ".": 1, "(|)": 1, "{2}": 1, "$+": 1, "..": 0,
		"\x00": 0, "\xff": 0,
	} {
		n, err := s.Projects().Count(t.Context(), 0, store.Query{Search: search})
		require.NoError(t, err, search)
		require.Equal(t, want, n, search)
	}
}

// FuzzPattern: whatever is searched for finds itself.
func FuzzPattern(f *testing.F) {
	f.Add("a.b*[c]\\")
	f.Add("Grüße\u212a\n$")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := regexp.Compile("^" + postgres.Pattern(text) + "$")
		require.NoError(t, err)
		clean := strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
		require.Regexp(t, p, clean)
		for _, r := range clean {
			if folded := unicode.SimpleFold(r); folded != r {
				require.Regexp(t, p, strings.ReplaceAll(clean, string(r), string(folded)))
			}
		}
	})
}

// TestTextThatNoDatabaseHoldsIsStoredWithoutIt: a tool's broken output must not
// keep its task from being stored.
func TestTextThatNoDatabaseHoldsIsStoredWithoutIt(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tpl := template(t, s, false)
	task := add(t, s, tpl)
	c := claim(t, s, 1)[0]
	commit := &store.CommitInfo{Hash: "abc", Message: "a\x00b\xffc"}
	require.NoError(t, s.Queue().Append(t.Context(), c.Lease, store.Append{
		Seq: 1, Commit: commit, Lines: []store.LogLine{{Time: time.Now(), Text: "x\x00\xffy"}},
		Problems: []store.AnsibleError{{Host: "h", Error: strings.Repeat("\x00", 3)}},
	}))
	task, err := s.Tasks().Get(t.Context(), task.ProjectID, task.ID)
	require.NoError(t, err)
	require.Equal(t, "a\uFFFDb\uFFFDc", task.CommitMessage)
	page, err := s.Logs().Read(t.Context(), task.ProjectID, task.ID, 0, 10)
	require.NoError(t, err)
	require.Equal(t, "x\x00\xffy", page.Lines[0].Text, "output is kept as it is")
}

func TestURLsAreRead(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"mysql://u:secret@h/d":                      "postgres://user",
		"host=h password=secret":                    "postgres://user",
		"postgres://u:secret@h/d?max_conns=many":    "max_conns",
		"postgres://u:secret@h/d?poll_only=perhaps": "poll_only",
		"postgres://u:secret@h/d?sslmode=secret":    "sslmode",
		"postgres://u:secret@h/d?schema=a;b":        "parameters",
		"postgres://u:secret@h:port/d":              "cannot be read",
		"postgres://u:secret@h/d?schema=Robert'--":  "small letters",
	} {
		_, err := postgres.Open(t.Context(), url, postgres.Config{BusyTimeout: time.Millisecond})
		require.ErrorIs(t, err, store.ErrInvalid, url)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestADatabaseThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	_, err = postgres.Open(t.Context(), "postgres://me:secret@"+address+"/x?sslmode=disable", postgres.Config{BusyTimeout: time.Millisecond})
	require.ErrorIs(t, err, store.ErrBusy)
	require.ErrorContains(t, err, "nothing answers at 127.0.0.1, port")
	require.NotContains(t, err.Error(), "secret")
	require.NotContains(t, err.Error(), "\n")
}
