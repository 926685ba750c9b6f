package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// environmentInput is what a client says about a variable group. Where new
// secrets are kept is said once, when it is made.
type environmentInput struct {
	rowIDs
	Name    string           `json:"name"`
	JSON    string           `json:"json"`
	Env     *string          `json:"env"`
	Secrets []variableSecret `json:"secrets"`

	SecretStorageID        *int64  `json:"secret_storage_id"`
	SecretStorageKeyPrefix *string `json:"secret_storage_key_prefix"`
}

func (s *Server) environmentRoutes() []route {
	environments := resource[store.Environment, environmentInput]{
		noun: "variable group", path: "environment", param: "environment", kind: store.KindEnvironment, event: store.EventEnvironment,
		table: func(st store.Store) store.Table[store.Environment] { return variableGroups{st.Environments(), s, st} },
		sorts: []string{"name"},
		ids:   func(e *store.Environment) (*int64, *int64) { return &e.ID, &e.ProjectID },
		label: func(e *store.Environment) string { return e.Name },
		read:  readEnvironment,
		saved: saveVariableSecrets,
		show:  showEnvironments,
	}
	return environments.routes()
}

// variableGroups removes the secrets of a deleted variable group from the
// storage outside that holds them, too.
type variableGroups struct {
	store.Table[store.Environment]
	s  *Server
	st store.Store
}

// Delete deletes a variable group with its secrets, here and outside.
func (t variableGroups) Delete(ctx context.Context, scope, id int64) error {
	keys, err := secretsOf(ctx, t.st, scope, id)
	if err != nil {
		return err
	}
	if err := t.Table.Delete(ctx, scope, id); err != nil {
		return err
	}
	t.s.forgetKeys(ctx, keys)
	return nil
}

func readEnvironment(ctx context.Context, _ *call, tx store.Store, in *environmentInput, e *store.Environment) error {
	if in.Name == "" {
		return invalid("name", "is empty: name the variable group")
	}
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	if strings.TrimSpace(in.JSON) == "" {
		in.JSON = "{}"
	}
	if err := checkVariables(in.JSON); err != nil {
		return err
	}
	if in.Env != nil {
		if err := checkEnv(*in.Env); err != nil {
			return err
		}
	}
	e.Name, e.JSON, e.Env = in.Name, in.JSON, in.Env
	if e.ID != 0 {
		return nil
	}
	return readStorageOf(ctx, tx, in, e)
}

// readStorageOf takes over where the secrets of a new variable group are kept.
func readStorageOf(ctx context.Context, tx store.Store, in *environmentInput, e *store.Environment) error {
	if in.SecretStorageID == nil {
		return nil
	}
	if p := in.SecretStorageKeyPrefix; p != nil && len(*p) > 900 {
		return invalid("secret_storage_key_prefix", "is longer than 900 bytes")
	}
	_, err := tx.SecretStorages().Get(ctx, e.ProjectID, *in.SecretStorageID)
	if errors.Is(err, store.ErrNotFound) {
		return invalid("secret_storage_id", "is no storage of this project")
	}
	e.SecretStorageID, e.SecretStorageKeyPrefix = in.SecretStorageID, in.SecretStorageKeyPrefix
	return err
}

// checkVariables checks a JSON object of extra variables.
func checkVariables(text string) error {
	if err := checkDepth([]byte(text)); err != nil {
		return invalid("json", "nests deeper than %d levels", depthLimit)
	}
	vars, err := job.ParseVariables(text)
	if err != nil {
		return invalid("json", "is no JSON object of variables: write {\"name\": value}")
	}
	for name := range vars {
		if err := checkVariableName("json", name); err != nil {
			return err
		}
	}
	return nil
}

// checkVariableName refuses what no tool takes for the name of a variable.
func checkVariableName(field, name string) error {
	switch {
	case name == "":
		return invalid(field, "a variable has no name: give it one")
	case len(name) > 255:
		return invalid(field, "the name %q is longer than 255 bytes", clip(name, 40))
	case strings.ContainsAny(name, "= \t\r\n\x00"):
		return invalid(field, "%q cannot be a variable's name: leave out spaces and '='", clip(name, 100))
	}
	return nil
}

var environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkEnvironmentName refuses what cannot be an environment variable of a
// task.
func checkEnvironmentName(field, name string) error {
	switch {
	case name == "":
		return invalid(field, "an environment variable has no name: give it one")
	case len(name) > 255:
		return invalid(field, "the name %q is longer than 255 bytes", clip(name, 40))
	case !environmentName.MatchString(name):
		return invalid(field, "%q cannot be an environment variable: use letters, digits and underscores", clip(name, 100))
	case strings.HasPrefix(strings.ToUpper(name), "SEMAPHORE_"):
		return invalid(field, "%q is a reserved name: choose one that does not begin with SEMAPHORE_", clip(name, 100))
	}
	return nil
}

// checkEnv checks a JSON object of environment variables.
func checkEnv(text string) error {
	if checkDepth([]byte(text)) != nil {
		return invalid("env", "is no JSON object of texts, numbers and true or false")
	}
	env, err := job.ParseEnvironment(text)
	if err != nil {
		return invalid("env", "is no JSON object of texts, numbers and true or false: write {\"NAME\": \"value\"}")
	}
	for name, value := range env {
		if err := checkEnvironmentName("env", name); err != nil {
			return err
		}
		if strings.ContainsRune(value, 0) {
			return invalid("env", "the value of %q contains a NUL byte", clip(name, 100))
		}
	}
	return nil
}

// showEnvironments fills in the secrets of a single group, by name, and hides
// values from guests.
func showEnvironments(c *call, rows []store.Environment, single bool) error {
	for i := range rows {
		e := &rows[i]
		e.Password, e.Secrets = nil, nil // the password is a relic that nothing uses
		if single && c.r.Method != http.MethodPost {
			keys, err := secretsOf(c.ctx(), c.s.st, e.ProjectID, e.ID)
			if err != nil {
				return err
			}
			for _, k := range keys {
				e.Secrets = append(e.Secrets, store.EnvironmentSecret{ID: k.ID, Type: typeOfOwner(k.Owner), Name: k.Name})
			}
		}
		if c.seesValues() {
			continue
		}
		e.JSON = namesOnly(e.JSON)
		if e.Env != nil {
			env := namesOnly(*e.Env)
			e.Env = &env
		}
	}
	return nil
}

// namesOnly empties the values of a JSON object.
func namesOnly(text string) string {
	vars, err := job.ParseVariables(text)
	if err != nil {
		return "{}"
	}
	for name := range vars {
		vars[name] = ""
	}
	b, err := json.Marshal(vars)
	if err != nil {
		return "{}"
	}
	return string(b)
}
