package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
)

func TestEveryRouteHasAnOperationAndEveryOperationARoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	var routes []string
	for _, r := range w.server.Routes() {
		routes = append(routes, r[0]+" "+strings.TrimPrefix(r[1], "/api"))
	}
	require.ElementsMatch(t, routes, api.Operations(), "describe what is new in one of openapi_*.go")
}

var braces = regexp.MustCompile(`\{(\w+)\}`)

func TestTheDocumentIsValidOpenAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	require.Equal(t, http.StatusOK, w.do("", "GET", "/openapi.json", "").Status)
	k := readContract(t, w.server)
	require.Equal(t, "3.0.3", k.document["openapi"])
	require.Equal(t, "1.2.3", k.document["info"].(map[string]any)["version"])
	require.Equal(t, "/prefix/", k.document["servers"].([]any)[0].(map[string]any)["url"])
	tags := map[any]bool{}
	for _, tag := range k.document["tags"].([]any) {
		tags[tag.(map[string]any)["name"]] = false
	}
	ids, shapes := map[any]bool{}, map[string]string{}
	for path, item := range k.document["paths"].(map[string]any) {
		require.True(t, strings.HasPrefix(path, "/api/"), path)
		shape := braces.ReplaceAllString(path, "{}")
		require.Empty(t, shapes[shape], "%s and %s are one path", path, shapes[shape])
		shapes[shape] = path
		for method, op := range item.(map[string]any) {
			at := method + " " + path
			require.Contains(t, []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}, method, at)
			o := op.(map[string]any)
			require.False(t, ids[o["operationId"]], "two are called %s", o["operationId"])
			ids[o["operationId"]] = true
			require.Regexp(t, `^\w+$`, o["operationId"])
			require.Regexp(t, `^[A-Z].*[^.]$`, o["summary"], at)
			tag := o["tags"].([]any)[0]
			require.Contains(t, tags, tag, at)
			tags[tag] = true
			checkParameters(t, path, at, o)
			checkResponses(t, at, o)
			if method == "get" || method == "delete" {
				require.NotContains(t, o, "requestBody", at)
			}
		}
	}
	for tag, used := range tags {
		require.True(t, used, "nothing is in the section %s", tag)
	}
	checkSchemas(t, k, "", k.document)
}

func checkParameters(t *testing.T, path, at string, op map[string]any) {
	var inPath []string
	names := map[string]bool{}
	parameters, _ := op["parameters"].([]any)
	for _, p := range parameters {
		p := p.(map[string]any)
		name := fmt.Sprint(p["in"], " ", p["name"])
		require.False(t, names[name], "%s has %s twice", at, name)
		names[name] = true
		if p["in"] == "path" {
			require.Equal(t, true, p["required"], at)
			inPath = append(inPath, p["name"].(string))
			continue
		}
		require.Equal(t, "query", p["in"], at)
		require.NotEmpty(t, p["description"], at)
	}
	var want []string
	for _, m := range braces.FindAllStringSubmatch(path, -1) {
		want = append(want, m[1])
	}
	require.ElementsMatch(t, want, inPath, at)
}

func checkResponses(t *testing.T, at string, op map[string]any) {
	responses := op["responses"].(map[string]any)
	require.Contains(t, responses, "default", at)
	require.GreaterOrEqual(t, len(responses), 2, at)
	for status, r := range responses {
		require.Regexp(t, `^([1-5]\d\d|default)$`, status, at)
		require.NotEmpty(t, r.(map[string]any)["description"], at)
	}
}

// checkSchemas looks at every schema of the document: what has a type or refers
// to one.
func checkSchemas(t *testing.T, k *contract, at string, v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			checkSchemas(t, k, at, item)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			require.Len(t, v, 1, at)
			require.NotNil(t, k.resolve(v), "%s leads nowhere", ref)
		}
		properties, isObject := v["properties"].(map[string]any)
		if required, ok := v["required"].([]any); ok && isObject {
			for _, name := range required {
				require.Contains(t, properties, name, at)
			}
		}
		if v["type"] == "array" {
			require.NotNil(t, v["items"], at)
		}
		if v["nullable"] == true {
			require.NotEmpty(t, v["type"], "%s: nullable without a type means nothing", at)
		}
		for name, inner := range v {
			require.NotNil(t, inner, at+"."+name)
			checkSchemas(t, k, at+"."+name, inner)
		}
	}
}

func TestSecretsAreWrittenAndNeverRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	k := readContract(t, w.server)
	named := k.document["components"].(map[string]any)["schemas"].(map[string]any)
	member := func(schema, name string) map[string]any {
		return named[schema].(map[string]any)["properties"].(map[string]any)[name].(map[string]any)
	}
	for _, m := range []string{"KeyInput.string", "LoginPasswordInput.password", "SSHKeyInput.private_key", "SSHKeyInput.passphrase", "LoginInput.password", "StorageInput.secret", "VariableSecretInput.secret", "TaskInput.secret", "UserInput.password"} {
		schema, name, _ := strings.Cut(m, ".")
		require.Equal(t, true, member(schema, name)["writeOnly"], m)
	}
	for _, m := range []string{"AccessKey.string", "LoginPassword.password", "SSHKey.private_key"} {
		schema, name, _ := strings.Cut(m, ".")
		require.Zero(t, member(schema, name)["maxLength"], m)
	}
}

func TestTheCheckOfRepliesFindsFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	k := readContract(t, w.server)
	for _, c := range []struct{ name, body, fault string }{
		{"nothing", `{"version":"1"}`, ""},
		{"an unknown member", `{"version":"1","more":1}`, "body.more is not documented"},
		{"a missing member", `{}`, "body.version is missing"},
		{"another type", `{"version":1}`, "body.version is 1, not string"},
		{"null", `{"version":null}`, "body.version is <nil>, not string"},
		{"a list", `[]`, "body is [], not object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			op, ok := k.operation("GET", "/api/version")
			require.True(t, ok)
			schema := op["responses"].(map[string]any)["200"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["schema"]
			decoder := json.NewDecoder(strings.NewReader(c.body))
			decoder.UseNumber()
			var value any
			require.NoError(t, decoder.Decode(&value))
			faults := k.conforms(schema.(map[string]any), value, "body")
			if c.fault == "" {
				require.Empty(t, faults)
				return
			}
			require.Equal(t, []string{c.fault}, faults)
		})
	}
}

func TestTheDocumentForPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	a := w.do("", "GET", "/docs", "")
	require.Equal(t, http.StatusOK, a.Status)
	require.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, a.Body, "<script")
	for _, r := range w.server.Routes() {
		require.Contains(t, a.Body, "/prefix"+strings.ReplaceAll(r[1], "...}", "}"))
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(a.Body, -1) {
		require.False(t, ids[m[1]], "id %s is there twice", m[1])
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(a.Body, -1) {
		require.True(t, ids[strings.ReplaceAll(m[1], "%20", " ")], "a link leads to %s, which is nowhere", m[1])
	}
}

// TestTheGuidesNameRoutesThatExist reads what the guides say of methods and
// paths.
func TestTheGuidesNameRoutesThatExist(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	var routes []string
	for _, r := range w.server.Routes() {
		routes = append(routes, r[0]+" "+r[1])
	}
	for _, file := range []string{"api.md", "moving.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", file))
		require.NoError(t, err)
		named := regexp.MustCompile("`((?:GET|POST|PUT|DELETE) /api/[^` ]*)`").FindAllStringSubmatch(string(text), -1)
		require.NotEmpty(t, named)
		for _, m := range named {
			require.Contains(t, routes, m[1], file)
		}
	}
}

func TestOldAddressesOfTheDocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	for _, path := range []string{"/../swagger", "/../swagger/", "/../swagger/index.html"} {
		a := w.do("", "GET", path, "")
		require.Equal(t, http.StatusTemporaryRedirect, a.Status, path)
		require.Equal(t, "/prefix/api/docs", a.Header.Get("Location"), path)
	}
}

// unseen are routes that no test of this package sees succeed, with the reason.
func unseen() map[string]string {
	return map[string]string{
		"GET /api/subscription":          "there are none: 404 always",
		"POST /api/subscription":         "there are none: 404 always",
		"DELETE /api/subscription":       "there are none: 404 always",
		"POST /api/subscription/refresh": "there are none: 404 always",
	}
}

// neverSeen lists the routes that nothing has seen succeed, and those of the
// list above that something has.
func neverSeen() []string {
	var list []string
	except := unseen()
	for _, route := range api.Operations() {
		method, path, _ := strings.Cut(route, " ")
		route = method + " /api" + path
		_, was := seen.Load(route)
		switch _, excused := except[route]; {
		case !was && !excused:
			list = append(list, route+" has never succeeded")
		case was && excused:
			list = append(list, route+" has succeeded: take it from the list of those that do not")
		}
	}
	slices.Sort(list)
	return list
}
