package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// ParseVariables reads a JSON object of extra variables; empty text is an empty
// object. Numbers keep their spelling.
func ParseVariables(text string) (map[string]any, error) {
	vars := map[string]any{}
	if strings.TrimSpace(text) == "" {
		return vars, nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&vars); err != nil {
		return nil, fmt.Errorf("variables: not a JSON object: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("variables: something follows the JSON object")
	}
	if vars == nil {
		vars = map[string]any{}
	}
	return vars, nil
}

// ParseEnvironment reads a JSON object of environment variables. Values may be
// strings, numbers and booleans; null is the empty string.
func ParseEnvironment(text string) (map[string]string, error) {
	vars, err := ParseVariables(text)
	if err != nil {
		return nil, fmt.Errorf("environment %w", err)
	}
	env := make(map[string]string, len(vars))
	for name, value := range vars {
		switch value.(type) {
		case []any, map[string]any:
			return nil, fmt.Errorf("environment variable %q: must be a string, number or boolean", name)
		}
		env[name] = formatValue(value)
	}
	return env, nil
}

// formatValue writes a value as scripts expect it: strings as they are,
// numbers as 2 and 2.5, booleans as true and false, lists and objects as JSON,
// null as nothing.
func formatValue(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatInt(int64(v), 10)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	text, err := marshalPlain(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// marshalPlain is json.Marshal without HTML escapes.
func marshalPlain(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// detail is one fact about the task that tools are told.
type detail struct {
	name  string
	value any // string or int64
}

// taskDetails lists what tools are told about the task, in a fixed order.
// Ansible finds it under semaphore_vars.task_details, scripts in
// SEMAPHORE_TASK_DETAILS_*.
func taskDetails(spec *Spec, commit Commit) []detail {
	details := []detail{{"id", spec.Task.ID}}
	add := func(name, value string) {
		if value != "" {
			details = append(details, detail{name, value})
		}
	}
	add("message", spec.Task.Message)
	add("username", spec.Task.Username)
	add("url", spec.Task.URL)
	add("commit_hash", commit.Hash)
	add("commit_message", commit.Message)
	if inv := spec.Inventory; inv != nil {
		add("inventory_name", inv.Name)
		details = append(details, detail{"inventory_id", inv.ID})
	}
	add("repository_name", spec.Repository.Name)
	details = append(details, detail{"repository_id", spec.Repository.ID})
	if spec.Task.Type != "" {
		add("type", spec.Task.Type)
		add("incoming_version", spec.Task.IncomingVersion)
		if spec.Task.Type == "build" {
			add("target_version", spec.Task.TargetVersion)
		}
	}
	return details
}

// printable drops what a terminal would not print.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}

// ansibleVariables is what goes into Ansible's extra-vars file: the variables,
// the secret survey values, what Semaphore tells, and the var secrets, the
// later winning.
func ansibleVariables(spec *Spec, commit Commit) map[string]any {
	vars := maps.Clone(spec.Variables)
	if vars == nil {
		vars = map[string]any{}
	}
	for _, name := range spec.Unsafe {
		if value, ok := vars[name]; ok {
			vars[name] = unsafeValue(value)
		}
	}
	for name, value := range spec.Survey {
		vars[name] = value.Reveal()
	}
	details := map[string]any{"url": nil}
	for _, d := range taskDetails(spec, commit) {
		details[d.name] = d.value
	}
	vars["semaphore_vars"] = map[string]any{"task_details": details}
	for _, secret := range spec.Secrets {
		if secret.Kind == SecretExt {
			vars[secret.Name] = secret.Value.Reveal()
		}
	}
	return vars
}

// unsafeValue marks every string inside value as never to be templated.
func unsafeValue(value any) any {
	switch v := value.(type) {
	case string:
		return map[string]any{"__ansible_unsafe": v}
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = unsafeValue(v[i])
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[key] = unsafeValue(item)
		}
		return m
	default:
		return value
	}
}

// terraformVariables is what goes into the generated variable file.
func terraformVariables(spec *Spec) map[string]any {
	vars := maps.Clone(spec.Variables)
	if vars == nil {
		vars = map[string]any{}
	}
	for name, value := range spec.Survey {
		vars[name] = value.Reveal()
	}
	for _, secret := range spec.Secrets {
		if secret.Kind == SecretExt {
			vars[secret.Name] = secret.Value.Reveal()
		}
	}
	return vars
}

// sortedKeys lists the names of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// decodeAmong decodes the JSON value that begins a line with the given bracket.
// Programs print warnings around what they were asked for.
func decodeAmong(text []byte, bracket byte, into any) error {
	err := errors.New("no JSON in the output")
	for start := 0; start < len(text); {
		if text[start] == bracket {
			if err = json.NewDecoder(bytes.NewReader(text[start:])).Decode(into); err == nil {
				return nil
			}
		}
		end := bytes.IndexByte(text[start:], '\n')
		if end < 0 {
			break
		}
		start += end + 1
	}
	return err
}
