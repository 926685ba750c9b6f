package job_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestBuilders pins what each Spec in testdata/builders becomes: the argument
// lists, the environment and the variables, in order.
func TestBuilders(t *testing.T) {
	t.Parallel()
	specs, err := filepath.Glob("testdata/builders/*.spec.json")
	require.NoError(t, err)
	require.NotEmpty(t, specs)
	for _, file := range specs {
		name := strings.TrimSuffix(filepath.Base(file), ".spec.json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			spec, err := job.DecodeSpec(bytes.NewReader(text))
			require.NoError(t, err)
			require.NoError(t, spec.Validate())
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			require.NoError(t, enc.Encode(job.Builders(spec)))
			golden := filepath.Join("testdata/builders", name+".golden.json")
			if *update {
				require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}

func TestSpecSurvivesJSON(t *testing.T) {
	t.Parallel()
	specs, err := filepath.Glob("testdata/builders/*.spec.json")
	require.NoError(t, err)
	for _, file := range specs {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		first, err := job.DecodeSpec(bytes.NewReader(text))
		require.NoError(t, err)
		again, err := json.Marshal(first)
		require.NoError(t, err)
		second, err := job.DecodeSpec(bytes.NewReader(again))
		require.NoError(t, err)
		require.Equal(t, first, second)
	}
}

func TestDecodeSpecRefusesOtherVersions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `{"version":0}`, `{"version":2}`, `{"version":"1"}`, `[]`, ``} {
		_, err := job.DecodeSpec(strings.NewReader(text))
		require.Error(t, err, text)
	}
}

func TestFormatValue(t *testing.T) {
	t.Parallel()
	vars, err := job.ParseVariables(`{"n":2,"f":2.50,"big":12345678901234567890,"b":true,"z":null,"s":"a b","l":[1,"x"],"o":{"b":1,"a":"<&>"}}`)
	require.NoError(t, err)
	want := map[string]string{"n": "2", "f": "2.50", "big": "12345678901234567890", "b": "true", "z": "", "s": "a b", "l": `[1,"x"]`, "o": `{"a":"<&>","b":1}`}
	for name, text := range want {
		require.Equal(t, text, job.FormatValue(vars[name]), name)
	}
	require.Equal(t, "2", job.FormatValue(float64(2)))
	require.Equal(t, "2.5", job.FormatValue(2.5))
}

func TestParsePlan(t *testing.T) {
	t.Parallel()
	p, err := job.ParsePlan([]byte(`{"resource_changes":[
		{"address":"a.a","change":{"actions":["create"]}},
		{"address":"a.b","change":{"actions":["delete","create"]}},
		{"address":"a.c","change":{"actions":["update"]}},
		{"address":"a.d","change":{"actions":["delete"]}},
		{"address":"a.e","change":{"actions":["no-op"]}},
		{"address":"a.f","previous_address":"a.old","change":{"actions":["no-op"]}},
		{"address":"a.g","change":{"actions":["no-op"],"importing":{"id":"x"}}},
		{"address":"data.h","change":{"actions":["read"]}}],
		"output_changes":{"o":{"actions":["create"]},"p":{"actions":["no-op"]}}}`))
	require.NoError(t, err)
	require.Equal(t, job.PlanSummary{Add: 2, Change: 1, Destroy: 2, Outputs: 1, Changes: []job.PlanChange{
		{Address: "a.a", Action: "create"}, {Address: "a.b", Action: "replace"}, {Address: "a.c", Action: "update"},
		{Address: "a.d", Action: "delete"}, {Address: "a.f", Action: "move"}, {Address: "a.g", Action: "import"},
	}}, p)
	_, err = job.ParsePlan([]byte(`not json`))
	require.Error(t, err)
}

func TestSplitApplyArgs(t *testing.T) {
	t.Parallel()
	apply, planning := job.SplitApplyArgs([]string{"-parallelism", "3", "-var", "a=1", "-target=x.y", "-lock-timeout=3s", "-auto-approve", "-refresh=false", "-destroy", "-no-color"})
	require.Equal(t, []string{"-parallelism", "3", "-lock-timeout=3s", "-no-color"}, apply)
	require.Equal(t, []string{"-var=a=1", "-target=x.y", "-refresh=false", "-destroy"}, planning)
}

func TestParseArgs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]job.Args{
		"":                             {},
		" null ":                       {},
		`["-v", "a b", 3, true]`:       {List: []string{"-v", "a b", "3", "true"}},
		`{"plan":["-x"],"apply":null}`: {Stages: map[string][]string{"plan": {"-x"}, "apply": {}}},
	} {
		got, err := job.ParseArgs(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`--flag`, `"x"`, `[["x"]]`, `{"x":["y"]}`, `{"plan":"y"}`, `["a"] ["b"]`, `["\u0000"]`, `3`} {
		_, err := job.ParseArgs(text)
		require.Error(t, err, text)
		require.Contains(t, err.Error(), "arguments", text)
	}
}

func FuzzArgs(f *testing.F) {
	for _, seed := range []string{``, `[]`, `["a"]`, `{"plan":["a"]}`, `{"default":null}`, `[1,true]`, `["a"]]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args, err := job.ParseArgs(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(args)
		require.NoError(t, err)
		second, err := job.ParseArgs(string(again))
		require.NoError(t, err)
		require.Equal(t, len(args.List), len(second.List))
		require.Equal(t, len(args.Stages), len(second.Stages))
		for _, arg := range args.List {
			require.NotContains(t, arg, "\x00")
		}
	})
}

func FuzzExtraVars(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"a":1.0}`, `{"a":{"b":[null]}}`, `{"a":1}{"b":2}`, `null`, `{"a":1e400}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := job.ParseVariables(text)
		if err != nil {
			return
		}
		spec := &job.Spec{Version: job.SpecVersion, App: "bash", Playbook: "x.sh", Repository: job.Repository{URL: "/r"}, Variables: vars}
		if spec.Validate() != nil {
			return
		}
		for _, arg := range job.Builders(spec)["argv"].([]string) {
			require.False(t, strings.HasPrefix(arg, "-"), "a variable became an option: %q", arg)
			require.NotContains(t, arg, "\x00")
		}
	})
}

func TestParseEnvironment(t *testing.T) {
	t.Parallel()
	env, err := job.ParseEnvironment(`{"A":"x y","N":2,"B":true,"Z":null}`)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"A": "x y", "N": "2", "B": "true", "Z": ""}, env)
	for text, says := range map[string]string{
		`{"L":[1]}`: `"L": must be a string, number or boolean`,
		`{"O":{}}`:  `"O": must be a string, number or boolean`,
		`[]`:        "environment variables: not a JSON object",
		`{} {}`:     "something follows",
	} {
		_, err := job.ParseEnvironment(text)
		require.ErrorContains(t, err, says, text)
	}
}
