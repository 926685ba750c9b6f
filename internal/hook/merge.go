package hook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
)

// Merge puts extracted values into a request, which pool.TaskPool.RequestOf has
// made of the integration's saved parameters: variables win over saved ones,
// and their names become By.Extracted, so that the pool guards them and Ansible
// never templates them; parameters win over saved ones.
//
// A parameter that is a list takes text with commas between, one that is a
// switch true or false, and the level of verbosity a number; anything else is a
// *job.FieldError. The given request is not changed.
func Merge(req pool.AddRequest, env, task map[string]string) (pool.AddRequest, error) {
	if len(env) > 0 {
		vars, err := job.ParseVariables(req.Task.Environment)
		if err != nil {
			return req, refuse("environment", "the saved variables cannot be read, enter them anew: %v", err)
		}
		for name, value := range env {
			vars[name] = value
		}
		text, err := marshal(vars)
		if err != nil {
			return req, fmt.Errorf("write variables: %w", err)
		}
		req.Task.Environment = string(text)
		names := append(slices.Clone(req.By.Extracted), slices.Collect(maps.Keys(env))...)
		slices.Sort(names)
		req.By.Extracted = slices.Compact(names)
	}
	if len(task) > 0 {
		params, err := mergeParams(req.Task.Params, task)
		if err != nil {
			return req, err
		}
		req.Task.Params = params
	}
	return req, nil
}

func mergeParams(saved json.RawMessage, task map[string]string) (json.RawMessage, error) {
	params := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(saved)) > 0 {
		if err := json.Unmarshal(saved, &params); err != nil {
			return nil, refuse("params", "the saved parameters are no JSON object: enter them anew")
		}
		if params == nil { // they were null
			params = map[string]json.RawMessage{}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(task)) {
		value, err := param(name, task[name])
		if err != nil {
			return nil, err
		}
		if params[name], err = marshal(value); err != nil {
			return nil, fmt.Errorf("write parameter %q: %w", name, err)
		}
	}
	return marshal(params)
}

// param gives a text the type that the parameter of this name has.
func param(name, text string) (any, error) {
	switch name {
	case "limit", "tags", "skip_tags":
		list := []string{}
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		return list, nil
	case "debug", "dry_run", "diff", "plan", "destroy", "auto_approve", "upgrade", "reconfigure":
		if text == "" {
			return false, nil
		}
		on, err := strconv.ParseBool(text)
		if err != nil {
			return nil, refuse("params."+name, "the webhook's value is neither true nor false")
		}
		return on, nil
	case "debug_level":
		if text == "" {
			return 0, nil
		}
		level, err := strconv.Atoi(text)
		if err != nil {
			return nil, refuse("params."+name, "the webhook's value is no whole number")
		}
		return level, nil
	default:
		return text, nil
	}
}

// marshal is json.Marshal without HTML escapes.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
