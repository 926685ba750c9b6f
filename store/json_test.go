package store_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestRowsHaveTheNamesOfTheWire pins the JSON of every row: its names, which of
// them go where there is nothing to say, and what never leaves.
func TestRowsHaveTheNamesOfTheWire(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	for _, row := range []any{
		store.User{}, store.APIToken{}, store.TOTP{}, store.EmailOTP{}, store.Project{}, store.Member{}, store.Role{},
		store.Invite{}, store.KnownHost{}, store.View{}, store.Runner{}, store.Event{}, store.AccessKey{}, store.SecretStorage{},
		store.Repository{}, store.Inventory{}, store.Environment{}, store.EnvironmentSecret{}, store.Template{}, store.SurveyVar{},
		store.TemplateVault{}, store.TemplateRole{}, store.TaskParams{}, store.Schedule{}, store.Integration{},
		store.IntegrationMatcher{}, store.IntegrationExtractor{}, store.IntegrationAlias{}, store.Task{}, store.TaskWithTemplate{},
		store.Stage{}, store.AnsibleHost{}, store.AnsibleError{}, store.LogLine{}, store.TerraformAlias{}, store.References{},
	} {
		empty, full := keys(t, row), keys(t, filled(reflect.TypeOf(row)).Interface())
		fmt.Fprintf(&got, "%s\n  always: %s\n", reflect.TypeOf(row).Name(), strings.Join(empty, " "))
		rest := slices.DeleteFunc(full, func(k string) bool { return slices.Contains(empty, k) })
		if len(rest) > 0 {
			fmt.Fprintf(&got, "  if set: %s\n", strings.Join(rest, " "))
		}
	}
	golden := filepath.Join("testdata", "rows.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

// keys are the names in a row's JSON, in order.
func keys(t *testing.T, row any) []string {
	t.Helper()
	text, err := json.Marshal(row)
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(text))
	_, err = dec.Token()
	require.NoError(t, err)
	list := []string{}
	for dec.More() {
		name, err := dec.Token()
		require.NoError(t, err)
		list = append(list, name.(string))
		var value json.RawMessage
		require.NoError(t, dec.Decode(&value))
	}
	return list
}

// filled is a value of a type with something in every field, two levels deep.
func filled(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	fill(v, 3)
	return v
}

func fill(v reflect.Value, depth int) {
	switch {
	case depth == 0:
		return
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(1, 0).UTC()))
		return
	case v.Type() == reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(`{}`))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth-1)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth-1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth-1)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(1)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(1)
	}
}
