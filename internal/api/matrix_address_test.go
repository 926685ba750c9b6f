package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOtherSitesChangeNothing sends what a page of another site can make a
// browser send: the cookie goes along.
func TestOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	m := copyMatrix(t)
	before := m.snapshot()
	for _, l := range m.lines(t) {
		if l.raw() || l.method == http.MethodGet || strings.HasPrefix(l.path, "/internal/") {
			continue
		}
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example.org"}, {"Origin", "null"}} {
			a := m.as("browser", l.method, l.target(l.params()), l.body, append(slices.Clone(m.headers["cookie_of_"+l.by]), header...)...)
			require.Equal(t, http.StatusForbidden, a.Status, "%s with %v: %s", l.name(), header, a.Body)
			wantError(t, a)
		}
	}
	m.unchanged(t, before)
}

// TestOwnPagesChangeWhatTheirUserMay sends the same from the web host.
func TestOwnPagesChangeWhatTheirUserMay(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", "https://semaphore.example.org", "Sec-Fetch-Site", "cross-site"}, {}} {
		m := copyMatrix(t)
		a := m.as("browser", "PUT", "/project/{p}/views/{spare_view}", `{"title":"own"}`, append(slices.Clone(m.headers["cookie_of_owner"]), header...)...)
		require.Equal(t, http.StatusNoContent, a.Status, "%v: %s", header, a.Body)
	}
}

// TestParametersOfPathsBearAnything puts odd texts in place of every parameter.
func TestParametersOfPathsBearAnything(t *testing.T) {
	skipRaced(t)
	t.Parallel()
	m := copyMatrix(t)
	for _, l := range m.lines(t) {
		for param := range l.params() {
			if l.path == "/tasks/{task}" && l.method == http.MethodGet || param == "path" || param == "provider" || param == "call" {
				continue // which go by no parameter, or to a provider
			}
			for _, odd := range thinned([]string{"0", "-1", "+1", "01", "1.0", "1e3", "x", "9223372036854775808", "99999999999999999999999", "%00", "%ff", "a%20b", "%2e%2e%2f1", "1%2f2", "--x", "..", "%27%22", strings.Repeat("x", 3000)}) {
				params := l.params()
				params[param] = "odd"
				m.vars["odd"] = odd
				status := m.junk(t, l, m.text(l.by, l.target(params)), m.text(l.by, l.body))
				if odd != "01" && odd != "+1" && status != 307 { // which are numbers
					require.GreaterOrEqual(t, status, 400, "%s with %s=%s", l.name(), param, odd)
				}
			}
		}
	}
}

// TestQueriesBearAnything puts odd texts in place of every parameter of a query
// that a route documents, and of some that it does not.
func TestQueriesBearAnything(t *testing.T) {
	skipRaced(t)
	t.Parallel()
	m := copyMatrix(t)
	document := readContract(t, m.server)
	for _, l := range m.lines(t) {
		if !l.reads() || l.path == "/ws" {
			continue
		}
		names := []string{"sort", "after"}
		op, _ := document.operation(l.method, "/api"+l.path)
		list, _ := op["parameters"].([]any)
		for _, p := range list {
			if p := p.(map[string]any); p["in"] == "query" {
				names = append(names, p["name"].(string))
			}
		}
		path := m.text(l.by, l.target(l.params()))
		for _, name := range names {
			for _, odd := range thinned([]string{"", "0", "-1", "x", "99999999999999999999", "1.5", "%00", "%ff", "%zz", "%27", "--x", "null", "9999-99-99", strings.Repeat("x", 5000)}) {
				m.junk(t, l, path+"?"+name+"="+odd, "")
			}
			m.junk(t, l, path+"?"+name+"=1&"+name+"=2&"+name, "")
		}
	}
}

// TestUnknownPathsAnswerInJSON asks for what is no route, and for routes by
// other methods.
func TestUnknownPathsAnswerInJSON(t *testing.T) {
	t.Parallel()
	m := copyMatrix(t)
	before, known := m.snapshot(), map[string][]string{}
	lines := m.lines(t)
	for _, l := range lines {
		known[l.path] = append(known[l.path], l.method)
	}
	for _, l := range lines {
		path := m.text("admin", l.target(l.params()))
		for _, method := range []string{"PATCH", "TRACE", "PROPFIND", "X-Y"} {
			a := m.send("admin", method, path, "{}")
			require.Equal(t, http.StatusMethodNotAllowed, a.Status, "%s %s", method, path)
			wantError(t, a)
			for _, method := range known[l.path] {
				require.Contains(t, a.Header.Get("Allow"), method, path)
			}
		}
	}
	for _, path := range []string{"/", "/nothing", "/project", "/project/1/nothing", "/users/1/x", "/../etc/passwd", "//", "/project/1/keys/1/refs/x", "/" + strings.Repeat("x/", 2000)} {
		a := m.send("admin", "GET", path, "")
		require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, a.Status, path)
		wantError(t, a)
	}
	m.unchanged(t, before)
}
