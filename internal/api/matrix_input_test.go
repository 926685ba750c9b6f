package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writes watches a file: the number that it returns changes when somebody else
// has written to it.
func (m *matrix) writes(t *testing.T) func() int64 {
	db, err := sql.Open("sqlite", fileURI(m.path))
	require.NoError(t, err)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		require.NoError(t, db.Close())
	})
	return func() int64 {
		var n int64
		require.NoError(t, conn.QueryRowContext(context.WithoutCancel(t.Context()), "PRAGMA data_version").Scan(&n))
		return n
	}
}

// bodied are the routes that read a body.
func (m *matrix) bodied(t *testing.T) []line {
	var list []line
	for _, l := range m.lines(t) {
		if l.body != "" {
			list = append(list, l)
		}
	}
	return list
}

// raw tells that the body of a route is not JSON of its own.
func (l line) raw() bool {
	return strings.HasPrefix(l.path, "/integrations/") || strings.HasPrefix(l.path, "/terraform/")
}

// ignored tells that a route has no use for a body.
func (l line) ignored() bool {
	return strings.HasSuffix(l.path, "/confirm") || strings.HasSuffix(l.path, "/reject")
}

// junk sends a wrong request and checks what has to hold whatever it is: no
// failure of the server, an error in JSON, and nothing written on a refusal.
func (m *matrix) junk(t *testing.T, l line, path, body string, header ...string) int {
	t.Helper()
	before := m.watch()
	a := m.send(l.by, l.method, path, body, append(append([]string{}, l.header...), header...)...)
	short := body
	if len(short) > 300 {
		short = short[:300]
	}
	require.Less(t, a.Status, 500, "%s %s %q: %s", l.method, path, short, a.Body)
	if a.Status >= 400 {
		require.Equal(t, before, m.watch(), "a refusal has written: %s %s %q: %s", l.method, path, short, a.Body)
		if a.Status != http.StatusLocked { // which shows the lock
			wantError(t, a)
		}
		require.Less(t, len(a.Body), 2000, "the error repeats what was sent: %s", path)
	}
	return a.Status
}

func TestWholeBodiesThatAreWrong(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	for _, l := range copyMatrix(t).bodied(t) {
		t.Run(l.name(), func(t *testing.T) {
			t.Parallel()
			m := copyMatrix(t)
			path, good := m.text(l.by, l.target(l.params())), m.text(l.by, l.body)
			require.Equal(t, http.StatusRequestEntityTooLarge, orTooLarge(l, m.junk(t, l, path, strings.Repeat(" ", 2<<20))))
			for name, body := range map[string]string{
				"no JSON": "{", "a second value": good + good, "garbage behind it": good + "x", "an array": "[]", "a text": `"text"`, "a number": "1", "true": "true",
				"no UTF-8": strings.Replace(good, `"`, "\"\xff", 1), "deep": `{"x":` + deep + `}`, "deep alone": deep, "UTF-16": "{\x00}\x00", "a form": "name=new&type=x", "zeros": strings.Repeat("\x00", 100),
			} {
				status := m.junk(t, l, path, body)
				if !l.raw() && !l.ignored() {
					require.Equal(t, http.StatusBadRequest, status, name)
				}
			}
			for _, body := range []string{"", "null", "{}", " \n"} {
				m.junk(t, l, path, body)
			}
		})
	}
}

// orTooLarge lets routes pass that take large bodies, or none.
func orTooLarge(l line, status int) int {
	if l.ignored() || l.path == "/terraform/{alias}" || l.path == "/projects/restore" || strings.HasSuffix(l.path, "{call...}") {
		return http.StatusRequestEntityTooLarge
	}
	return status
}

// TestContentTypesAndUnknownMembersAreNoMatter sends what works under another
// name and with more in it.
func TestContentTypesAndUnknownMembersAreNoMatter(t *testing.T) {
	t.Parallel()
	for _, l := range copyMatrix(t).bodied(t) {
		t.Run(l.name(), func(t *testing.T) {
			t.Parallel()
			m := copyMatrix(t)
			body := m.text(l.by, l.body)
			if strings.HasPrefix(body, "{") && !l.raw() && !strings.HasSuffix(l.path, "/positions") {
				body = `{"unknown":{"a":[1,null]},"_":"x",` + strings.TrimPrefix(strings.TrimSpace(body), "{")
				body = strings.Replace(body, ",}", "}", 1)
			}
			a := m.send(l.by, l.method, m.text(l.by, l.target(l.params())), body, append([]string{"Content-Type", "text/plain"}, l.header...)...)
			require.Equal(t, l.want(l.by), a.Status, a.Body)
		})
	}
}

// odd are values that no member of a body expects, or that it has to bear.
func odd() []any {
	return []any{
		nil, true, false, -1, 0, 1.5, json.RawMessage("1e400"), json.RawMessage("1e30"), json.RawMessage("9223372036854775807"), json.RawMessage("9223372036854775808"),
		json.RawMessage("-9223372036854775809"), "", " ", "text", "\x00", "a\x00b", "--upload-pack=touch x", "-x", "../../etc/passwd", "a\nb\r\n", "\u202e\u2028", "{{ 7*7 }}", "'; DROP TABLE user; --",
		"{", "[]", `{"a":`, `{"":1}`, strings.Repeat("x", 70_000), strings.Repeat("é", 60), []any{}, []any{nil}, []any{"--x"}, []any{map[string]any{}}, map[string]any{}, map[string]any{"a": []any{1}},
		map[string]any{"": nil}, strings.Repeat("[", 100),
	}
}

// TestEveryMemberOfEveryBodyBearsAnything puts odd values in place of every
// member.
func TestEveryMemberOfEveryBodyBearsAnything(t *testing.T) {
	t.Parallel()
	for _, l := range copyMatrix(t).bodied(t) {
		t.Run(l.name(), func(t *testing.T) {
			t.Parallel()
			m := copyMatrix(t)
			path := m.text(l.by, l.target(l.params()))
			var body any
			require.NoError(t, json.Unmarshal([]byte(m.text(l.by, l.body)), &body))
			for place, was := range places(body) {
				for _, value := range thinned(odd()) {
					sent, err := json.Marshal(replaced(body, place, value))
					require.NoError(t, err)
					status := m.junk(t, l, path, string(sent))
					if status < 400 && !l.raw() && !free(place) {
						require.True(t, sameKind(was, value), "%s was taken: %.200s", place, sent)
						text, _ := value.(string)
						require.NotContains(t, text, "\x00", "%s took a NUL", place)
						require.False(t, strings.HasPrefix(text, "-") && becomesArgument(place) && !strings.HasPrefix(l.path, "/internal/"), "%s took what looks like an option: %s", place, text)
					}
				}
			}
		})
	}
}

// free tells that a member may be of any kind, because it is handed on.
func free(place string) bool {
	for _, begin := range []string{".params.", ".task_params.params."} {
		if strings.HasPrefix(place, begin) {
			return true
		}
	}
	return false
}

// becomesArgument tells that a member is once handed to a tool.
func becomesArgument(place string) bool {
	return slices.Contains([]string{"git_url", "git_branch", "playbook", "commit_hash", "host", "script"},
		place[strings.LastIndex(place, ".")+1:])
}

// sameKind tells whether a value is of the JSON type that was there. Null is
// nothing in every type, and what was null may become anything.
func sameKind(was, is any) bool {
	if was == nil || is == nil {
		return true
	}
	return kind(was) == kind(is)
}

func kind(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case bool:
		return "bool"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return "number"
	}
}
