package stage

import (
	"encoding/json"
	"strings"
)

// result holds what a failed task's result says about the failure.
type result struct {
	Msg          json.RawMessage `json:"msg"`
	Reason       json.RawMessage `json:"reason"`
	Censored     json.RawMessage `json:"censored"`
	Stderr       json.RawMessage `json:"stderr"`
	ModuleStderr json.RawMessage `json:"module_stderr"`
	Stdout       json.RawMessage `json:"stdout"`
	ModuleStdout json.RawMessage `json:"module_stdout"`
}

// jsonText returns the message of a result in JSON; of one that was cut off or
// is none, what stands behind "msg", or all of it.
func jsonText(data string) string {
	var r result
	if err := json.Unmarshal([]byte(data), &r); err != nil {
		if _, rest, ok := strings.Cut(data, `"msg": `); ok {
			data = strings.TrimPrefix(rest, `"`)
		}
		return clean(data, MaxErrorText)
	}
	text := join(first(r.Msg, r.Reason, r.Censored), first(r.Stderr, r.ModuleStderr, r.Stdout, r.ModuleStdout), MaxErrorText)
	if text == "" {
		text = clean(data, MaxErrorText)
	}
	return text
}

// first returns the first of some values that is not empty, as text.
func first(values ...json.RawMessage) string {
	for _, v := range values {
		if len(v) == 0 || string(v) == "null" || string(v) == `""` {
			continue
		}
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
		return string(v)
	}
	return ""
}

// yamlText returns the message of a result in YAML, all of it where it has none.
func yamlText(lines []string) string {
	message := yamlValue(lines, "msg")
	if message == "" {
		message = yamlValue(lines, "censored")
	}
	text := join(message, yamlValue(lines, "stderr"), MaxErrorText)
	if text == "" {
		text = clean(strings.Join(lines, "\n"), MaxErrorText)
	}
	return text
}

// yamlValue returns the value of a key as Ansible writes it; no full reader of
// YAML is needed for that.
func yamlValue(lines []string, key string) string {
	for i, line := range lines {
		value, ok := strings.CutPrefix(strings.TrimLeft(line, " "), key+":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		separator := " "
		if value != "" && (value[0] == '|' || value[0] == '>') {
			value, separator = "", "\n"
		}
		parts := []string{value}
		for _, next := range lines[i+1:] {
			if indent(next) <= indent(line) {
				break
			}
			parts = append(parts, strings.TrimSpace(next))
		}
		value = strings.TrimSpace(strings.Join(parts, separator))
		if n := len(value); n > 1 && value[0] == '\'' && value[n-1] == '\'' {
			value = strings.ReplaceAll(value[1:n-1], "''", "'")
		}
		return value
	}
	return ""
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
