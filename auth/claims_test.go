package auth_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
)

const someClaims = `{
	"sub": "s-1", "email": "lisa@example.com", "empty": "", "blank": "  ", "none": null,
	"id": 1234567890123456789, "whole": 42.0, "big": 1e3, "part": 1.5, "yes": true,
	"given": "Lisa", "family": "Simpson", "groups": ["ops", "dev", 7, null, {"a": 1}, "a\nb"],
	"one": "single", "realm": {"roles": ["admin"], "name": "r", "deep": {"er": "x"}},
	"https://example.com/claims": {"role": "boss"}, "a.b": "literal", "a": {"b": "nested"},
	"line": "two\nlines", "list": ["first", "second"]
}`

// decode reads claims as the provider's are read.
func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var claims map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&claims))
	return claims
}

func TestClaimExpressions(t *testing.T) {
	t.Parallel()
	claims := decode(t, someClaims)
	claims["long"] = strings.Repeat("x", 1025)
	claims["half"] = strings.Repeat("x", 600)
	claims["invalid"] = "\xff"
	for expression, want := range map[string]string{
		"":                                "",
		"|":                               "",
		"email":                           "lisa@example.com",
		" email ":                         "lisa@example.com",
		"missing|email":                   "lisa@example.com",
		"empty|blank|none|sub":            "s-1",
		"sub|email":                       "s-1",
		"id":                              "1234567890123456789",
		"whole":                           "42",
		"{{ .whole }}":                    "42",
		"big":                             "1000",
		"part":                            "1.5",
		"yes":                             "true",
		"{{ .given }} {{ .family }}":      "Lisa Simpson",
		"{{.given}}.{{.missing}}|email":   "lisa@example.com",
		"missing|{{ .given }}":            "Lisa",
		"realm.name":                      "r",
		"realm.deep.er":                   "x",
		"{{ .realm.deep.er }}":            "x",
		"{{ .realm.name.more }}":          "",
		"a.b":                             "literal",
		"{{ .a.b }}":                      "nested",
		"https://example.com/claims.role": "",
		`{{ index . "https://example.com/claims" "role" }}`: "boss",
		`{{ index .list 1 }}`:                               "second",
		`{{ index .list 2 }}`:                               "",
		`{{ index .list -1 }}`:                              "",
		`{{ index .realm "name" }}`:                         "r",
		`{{ index .missing "|" }}|email`:                    "lisa@example.com",
		"list":                                              "",
		"{{ .realm }}":                                      "",
		"line":                                              "",
		"invalid":                                           "",
		"long":                                              "",
		"{{ .half }}{{ .half }}":                            "",
		"fixed {{/* a comment */}}{{.sub}}":                 "fixed s-1",
	} {
		c, err := auth.ParseClaim(expression)
		require.NoError(t, err, expression)
		require.Equal(t, want, c.Text(claims), expression)
		require.Equal(t, expression, c.String())
	}
	require.Empty(t, auth.Claim{}.Text(claims))
	plain, err := auth.ParseClaim("whole|n")
	require.NoError(t, err)
	require.Equal(t, "7", plain.Text(map[string]any{"n": 7.0}), "decoded without json.Number")
}

func TestClaimLists(t *testing.T) {
	t.Parallel()
	claims := decode(t, someClaims)
	many := make([]any, 2000)
	for i := range many {
		many[i] = fmt.Sprint("g", i)
	}
	claims["many"] = many
	for expression, want := range map[string][]string{
		"groups":                  {"ops", "dev", "7"},
		"{{ .groups }}":           {"ops", "dev", "7"},
		"realm.roles":             {"admin"},
		"one":                     {"single"},
		"missing|none|groups":     {"ops", "dev", "7"},
		"missing":                 nil,
		"realm":                   nil,
		"{{ .groups }}{{ .sub }}": nil,
	} {
		c, err := auth.ParseClaim(expression)
		require.NoError(t, err, expression)
		require.Equal(t, want, c.List(claims), expression)
	}
	c, err := auth.ParseClaim("many")
	require.NoError(t, err)
	require.Len(t, c.List(claims), 1000)
}

func TestClaimTemplatesNeitherLoopNorCall(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		`{{ range .groups }}{{ . }}{{ end }}`, `{{ if .a }}b{{ end }}`, `{{ with .a }}b{{ end }}`,
		`{{ printf "%1000000000d" 1 }}`, `{{ call .a }}`, `{{ len .a }}`, `{{ html .a }}`,
		`{{ .a | print }}`, `{{ $x := .a }}`, `{{ . }}`, `{{ "text" }}`, `{{ 1 }}`, `{{ index .a }}`,
		`{{ index .a .b }}`, `{{ index .a 1.5 }}`, `{{ index "a" 0 }}`, `{{ (index .a 0).b }}`,
		`{{ define "x" }}a{{ end }}{{ template "x" }}`, `{{ template "claim" }}`, `{{ block "x" . }}a{{ end }}`,
		`{{ .a`, `{{ }}`, `{{ .a.(b) }}`, `{{ .a b }}`, `{{ break }}`, strings.Repeat("a", 1025),
	} {
		_, err := auth.ParseClaim(expression)
		require.Error(t, err, expression)
	}
}

func FuzzClaim(f *testing.F) {
	for _, seed := range []string{"email", "a|{{ .b }}", "{{ index .a \"x\" 0 }}", "a.b|c", "{{", "}}|{{.x}}", "{{/* | */}}"} {
		f.Add(seed, someClaims)
	}
	f.Fuzz(func(t *testing.T, expression, text string) {
		c, err := auth.ParseClaim(expression)
		if err != nil {
			return
		}
		var claims map[string]any
		if json.Unmarshal([]byte(text), &claims) != nil {
			claims = decode(t, someClaims)
		}
		got := c.Text(claims)
		require.LessOrEqual(t, len(got), 1024)
		require.Equal(t, strings.TrimSpace(got), got)
		require.NotContains(t, got, "\n")
		for _, member := range c.List(claims) {
			require.NotEmpty(t, member)
			require.LessOrEqual(t, len(member), 1024)
		}
	})
}
