package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// foreignOf is what stands for the same thing in the other project, "" where
// there is no such thing.
func (m *matrix) foreignOf(name string) string {
	if name == "guest" || name == "session_of_guest" {
		return strings.Replace(name, "guest", "stranger", 1)
	}
	_, isText := m.vars["q_"+name]
	if _, isID := m.ids["q_"+name]; isID || isText {
		return "q_" + name
	}
	return ""
}

// siblings are things of the same project that do not hold what the path goes
// on to.
func siblings() map[string]string {
	return map[string]string{"template": "build", "integration": "other_integration", "workspace": "loose"}
}

// TestNoRouteReachesIntoAnotherProject asks, as the owner of one project, for
// what is in the other.
func TestNoRouteReachesIntoAnotherProject(t *testing.T) {
	t.Parallel()
	if !raced {
		t.Run("memory", func(t *testing.T) { t.Parallel(); foreignPaths(t, newMatrix(t, openMemory)) })
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); foreignPaths(t, copyMatrix(t)) })
}

func foreignPaths(t *testing.T, m *matrix) {
	before, checked := m.snapshot(), map[string]bool{}
	for _, l := range m.lines(t) {
		if !strings.HasPrefix(l.path, "/project/{project}") {
			continue
		}
		for param, name := range l.params() {
			for _, other := range m.others(l, param, name) {
				checked[param] = checked[param] || other != "nothing"
				params := l.params()
				params[param] = other
				t.Run(l.name()+" with "+param+"="+other, func(t *testing.T) {
					a := m.as(l.by, l.method, l.target(params), l.body, l.header...)
					require.Contains(t, []int{400, 404}, a.Status, a.Body)
					m.unchanged(t, before)
					wantError(t, a)
				})
			}
		}
	}
	for param, foreign := range checked {
		require.True(t, foreign, "the table knows nothing of the other project for {%s}", param)
	}
}

// others are the wrong things that a parameter may name: that of the other
// project, one that never was, and a sibling.
func (m *matrix) others(l line, param, name string) []string {
	foreign := m.foreignOf(name)
	if param == "project" {
		foreign = "q"
	}
	list := []string{"nothing"}
	if foreign != "" {
		list = append(list, foreign)
	}
	// What follows the parameter in the path belongs to what it names.
	_, rest, _ := strings.Cut(l.path, "{"+param+"}")
	if other, ok := siblings()[name]; ok && strings.Contains(rest, "{") && !strings.Contains(rest, "{inventory}") {
		list = append(list, other)
	}
	return list
}

// foreignFields tells what a member of a body that holds an id is replaced by.
func foreignFields() map[string]string {
	return map[string]string{
		"id": "q_key", "project_id": "q", "template_id": "q_template", "inventory_id": "q_inventory", "repository_id": "q_repository",
		"environment_id": "q_environment", "ssh_key_id": "q_key", "become_key_id": "q_key", "view_id": "q_view", "build_template_id": "q_build",
		"vault_key_id": "q_key", "auth_secret_id": "q_key", "auth_key_id": "q_key", "default_secret_storage_id": "q_storage",
		"source_storage_id": "q_vault", "secret_storage_id": "q_storage", "integration_id": "q_integration", "build_task_id": "q_built", "role_slug": "q_role",
	}
}

// TestNoBodyNamesWhatIsInAnotherProject puts ids of the other project, and ids
// that never were, into bodies.
func TestNoBodyNamesWhatIsInAnotherProject(t *testing.T) {
	t.Parallel()
	if !raced {
		t.Run("memory", func(t *testing.T) { t.Parallel(); foreignBodies(t, newMatrix(t, openMemory)) })
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); foreignBodies(t, copyMatrix(t)) })
}

func foreignBodies(t *testing.T, m *matrix) {
	before, checked := m.snapshot(), map[string]bool{}
	for _, l := range m.lines(t) {
		if l.body == "" || l.raw() {
			continue
		}
		inside := strings.HasPrefix(l.path, "/project/{project}")
		var body any
		require.NoError(t, json.Unmarshal([]byte(m.text(l.by, l.body)), &body), l.name())
		for place := range places(body) {
			field := place[strings.LastIndex(place, ".")+1:]
			name, ok := foreignFields()[field]
			if !ok {
				continue
			}
			checked[field] = true
			for _, value := range []string{"987654321", m.text("", "{"+name+"}")} {
				if !inside && value != "987654321" {
					continue // an administrator may name any project
				}
				t.Run(l.name()+" with "+place+"="+value, func(t *testing.T) {
					m.refusesValue(t, l, place, value, before)
				})
			}
		}
	}
	for field := range foreignFields() {
		require.True(t, checked[field], "no body of the tables has a member %s", field)
	}
}

// refusesValue sends a body with one other value.
func (m *matrix) refusesValue(t *testing.T, l line, place, value, before string) {
	var body any
	require.NoError(t, json.Unmarshal([]byte(m.text(l.by, l.body)), &body))
	var v any = json.RawMessage(value)
	if strings.HasSuffix(place, "role_slug") {
		v = value
	}
	sent, err := json.Marshal(replaced(body, place, v))
	require.NoError(t, err)
	a := m.send(l.by, l.method, m.text(l.by, l.target(l.params())), string(sent), l.header...)
	want := 400
	if l.name() == "POST /project/{project}/tasks" && place == ".template_id" || strings.HasPrefix(l.path, "/invites/") {
		want = 404 // which clients know
	}
	require.Equal(t, want, a.Status, "%s: %s", sent, a.Body)
	m.unchanged(t, before)
	wantError(t, a)
}
