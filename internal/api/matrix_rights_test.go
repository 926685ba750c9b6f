package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ask sends a line as somebody, with the parameters that work.
func (m *matrix) ask(l line, caller string) answer {
	m.t.Helper()
	return m.as(caller, l.method, l.target(l.params()), l.body, l.header...)
}

// TestEveryRouteKeepsItsRight asks for every route as everybody.
func TestEveryRouteKeepsItsRight(t *testing.T) {
	t.Parallel()
	if !raced {
		t.Run("refusals and reads on memory", func(t *testing.T) { t.Parallel(); readsAndRefusals(t, newMatrix(t, openMemory)) })
	}
	t.Run("refusals and reads on sqlite", func(t *testing.T) { t.Parallel(); readsAndRefusals(t, copyMatrix(t)) })
	t.Run("changes", changes)
}

// readsAndRefusals plays in one world what must not change it.
func readsAndRefusals(t *testing.T, m *matrix) {
	before := m.snapshot()
	for _, l := range m.lines(t) {
		t.Run(l.name(), func(t *testing.T) {
			for _, caller := range callers() {
				if want := l.want(caller); want >= 400 || l.reads() {
					m.meets(t, l, caller, want)
				}
			}
			m.unchanged(t, before)
		})
	}
}

// meets asks as somebody and checks the answer.
func (m *matrix) meets(t *testing.T, l line, caller string, want int) {
	t.Helper()
	a := m.ask(l, caller)
	require.Equal(t, want, a.Status, "as %s: %s", caller, a.Body)
	if a.Status >= 400 && a.Status != http.StatusUpgradeRequired {
		wantError(t, a)
	}
	if l.method == http.MethodGet {
		head := l
		head.method = http.MethodHead
		require.Equal(t, want, m.ask(head, caller).Status, "HEAD as %s is not like GET", caller)
	}
}

// changes plays what is allowed in a world of its own each.
func changes(t *testing.T) {
	t.Parallel()
	lines := copyMatrix(t).lines(t)
	for _, l := range lines {
		if l.reads() {
			continue
		}
		t.Run(l.name(), func(t *testing.T) {
			t.Parallel()
			for _, caller := range callers() {
				if want := l.want(caller); want < 400 && (!raced || caller == l.by) {
					t.Run(caller, func(t *testing.T) {
						a := copyMatrix(t).ask(l, caller)
						require.Equal(t, want, a.Status, a.Body)
						if strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") && a.Body != "" {
							var v any
							a.decode(t, &v)
						}
					})
				}
			}
		})
	}
}
