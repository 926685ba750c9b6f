package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// specialRights lists the routes whose right is not the rule: below a project
// members read and those who manage resources write, elsewhere whoever is
// signed in. A path that ends in * stands for all that begin so; the longest
// one counts.
func specialRights() map[string]string {
	return map[string]string{
		"GET /ping": "anyone", "GET /health": "anyone", "GET /version": "anyone", "GET /openapi.json": "anyone", "GET /docs": "anyone",
		"GET /auth/*": "anyone", "POST /auth/*": "anyone", "POST /auth/verify": "pending", "POST /auth/recovery": "pending",
		"POST /integrations/*": "anyone", "GET /integrations/*": "anyone", "OPTIONS /integrations/*": "anyone",
		"GET /terraform/*": "anyone", "POST /terraform/*": "anyone", "DELETE /terraform/*": "anyone", "LOCK /terraform/*": "anyone", "UNLOCK /terraform/*": "anyone",

		"POST /internal/*": "anyone", "DELETE /internal/*": "anyone",

		"GET /metrics": "admin", "GET /options": "admin", "POST /options": "admin", "DELETE /cache": "admin", "POST /drain": "admin", "POST /debug/*": "admin",
		"GET /tasks*": "admin", "DELETE /tasks/*": "admin", "GET /apps/*": "admin", "PUT /apps/*": "admin", "POST /apps/*": "admin", "DELETE /apps/*": "admin",
		"GET /roles*": "admin", "POST /roles*": "admin", "PUT /roles/*": "admin", "DELETE /roles/*": "admin",
		"GET /runners*": "admin", "POST /runners*": "admin", "PUT /runners/*": "admin", "DELETE /runners/*": "admin",

		"GET P/backup": "update", "PUT P": "update", "DELETE P": "update", "DELETE P/cache": "update", "DELETE P/me": "member",
		"POST P/users": "users", "PUT P/users/*": "users", "DELETE P/users/*": "users",
		"POST P/roles*": "users", "PUT P/roles/*": "users", "DELETE P/roles/*": "users",
		"GET P/invites*": "users", "POST P/invites": "users", "DELETE P/invites/*": "users",
		"POST P/tasks*": "run", "GET P/repositories/{repository}/branches": "run", "POST P/schedules/{schedule}/run": "run",
		"GET P/integrations/deliveries": "manage",
	}
}

func TestRightsOfRoutes(t *testing.T) {
	t.Parallel()
	for _, l := range newMatrix(t, openMemory).lines(t) {
		want := "signed in"
		if strings.HasPrefix(l.path, "/project/") {
			want = "manage"
			if l.method == "GET" {
				want = "member"
			}
		}
		name, longest := strings.Replace(l.name(), "/project/{project}", "P", 1), -1
		for pattern, right := range specialRights() {
			begin, whole := strings.CutSuffix(pattern, "*")
			if fits := name == pattern || whole && strings.HasPrefix(name, begin); fits && len(pattern) > longest {
				want, longest = right, len(pattern)
			}
		}
		require.Equal(t, want, l.right, "%s asks for another right: if that is meant, say so here", l.name())
	}
}
