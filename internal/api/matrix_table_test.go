package api_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// expect is what a route is known by in the matrices: how a caller who may
// uses it, and what comes of that.
type expect struct {
	ok     int    // status for who may
	body   string // that works
	in     string // what parameters of the path stand for, where that is not {name}: "user=guest task=done"
	header []string
	but    map[string]int // callers who get another status than their right says
	by     string         // who may; defaults to owner
	writes bool           // though it is a GET
}

// line is a route with what is expected of it.
type line struct {
	expect
	method, path, right string
}

func (l line) name() string { return l.method + " " + l.path }

// reads tells whether the line may change nothing.
func (l line) reads() bool { return l.method == http.MethodGet && !l.writes }

// only gives all callers but some another status.
func only(status int, except ...string) map[string]int {
	but := map[string]int{}
	for _, caller := range callers() {
		if !slices.Contains(except, caller) {
			but[caller] = status
		}
	}
	return but
}

// expectations is the table of all routes.
func expectations() map[string]expect {
	all := map[string]expect{}
	for _, part := range []map[string]expect{publicExpectations(), accountExpectations(), adminExpectations(), projectExpectations(),
		memberExpectations(), resourceExpectations(), templateExpectations(), taskExpectations(), integrationExpectations(), terraformExpectations(), runnerExpectations()} {
		for name, e := range part {
			name = strings.Replace(name, " P", " /project/{project}", 1)
			if _, twice := all[name]; twice {
				panic("twice in the table: " + name)
			}
			all[name] = e
		}
	}
	return all
}

// lines joins the routes of the server with the table. A route that the table
// does not know fails the test, so that none is left out.
func (m *matrix) lines(t *testing.T) []line {
	t.Helper()
	table := expectations()
	var list []line
	var unknown []string
	for _, r := range m.server.Routes() {
		l := line{method: r[0], path: strings.TrimPrefix(r[1], "/api"), right: r[2]}
		e, known := table[l.name()]
		if !known {
			unknown = append(unknown, l.name())
			continue
		}
		delete(table, l.name())
		l.expect = e
		if l.by == "" {
			l.by = "owner"
		}
		if l.right == "admin" {
			l.by = "admin"
		}
		list = append(list, l)
	}
	require.Empty(t, unknown, "routes that the matrices do not know: add them to the tables of matrix_*_test.go")
	for _, name := range slices.Sorted(maps.Keys(table)) {
		require.True(t, coming(name), "the matrices know %q, which is no route", name)
	}
	return list
}

// params are the parameters of the path, and what they stand for.
func (l line) params() map[string]string {
	in := map[string]string{}
	for pair := range strings.FieldsSeq(l.in) {
		name, value, _ := strings.Cut(pair, "=")
		in[name] = value
	}
	list := map[string]string{}
	for _, name := range placeholder.FindAllString(strings.ReplaceAll(l.path, "...}", "}"), -1) {
		name = strings.Trim(name, "{}")
		list[name] = name
		if name == "project" {
			list[name] = "p"
		}
		if value, ok := in[name]; ok {
			list[name] = value
		}
	}
	return list
}

// target is the path with other names for parameters.
func (l line) target(params map[string]string) string {
	path := strings.ReplaceAll(l.path, "...}", "}")
	return placeholder.ReplaceAllStringFunc(path, func(name string) string {
		return "{" + params[strings.Trim(name, "{}")] + "}"
	})
}

// bits of the roles, and those that rights ask for.
func bitsOf(caller string) int {
	return map[string]int{"task_runner": 1, "manager": 1 | 4, "owner": 15, "reader": 15, "admin": 15}[caller]
}

// want is the status that a caller has to get.
func (l line) want(caller string) int {
	status := l.ok
	if other, ok := l.but[caller]; ok {
		status = other
	}
	reads := l.method == http.MethodGet || l.method == http.MethodHead
	switch {
	case l.right == "anyone":
		return status
	case caller == "nobody" || caller == "expired" || caller == "runner":
		return http.StatusUnauthorized
	case caller == "pending" && l.right != "pending":
		return http.StatusUnauthorized
	case caller == "reader" && !reads:
		return http.StatusForbidden
	case l.right == "pending" || l.right == "signed in":
		return status
	case l.right == "admin":
		if caller != "admin" {
			return http.StatusForbidden
		}
		return status
	case caller == "stranger":
		return http.StatusNotFound
	}
	need := map[string]int{"member": 0, "run": 1, "update": 2, "manage": 4, "users": 8}[l.right]
	if bitsOf(caller)&need != need {
		return http.StatusForbidden
	}
	return status
}
