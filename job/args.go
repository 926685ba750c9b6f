package job

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Args are arguments for a tool's command line. On the wire they are a JSON
// array of strings, or, for the Terraform family, an object with one array per
// stage: init, plan, apply, default.
type Args struct {
	List   []string            // the array form
	Stages map[string][]string // the object form; nil when List is used
}

// Stage names of the object form.
const (
	StageInit    = "init"
	StagePlan    = "plan"
	StageApply   = "apply"
	StageDefault = "default"
)

// ParseArgs reads the JSON text of a template's or task's arguments. Empty text
// and null are no arguments. Elements may be strings, numbers or booleans.
func ParseArgs(text string) (Args, error) {
	var a Args
	if len(bytes.TrimSpace([]byte(text))) == 0 {
		return a, nil
	}
	if err := a.UnmarshalJSON([]byte(text)); err != nil {
		return Args{}, err
	}
	return a, nil
}

// IsZero tells whether there is no argument at all.
func (a Args) IsZero() bool { return len(a.List) == 0 && len(a.Stages) == 0 }

// MarshalJSON writes the form that is set.
func (a Args) MarshalJSON() ([]byte, error) {
	if a.Stages != nil {
		return json.Marshal(a.Stages)
	}
	if a.List == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(a.List)
}

// UnmarshalJSON reads either form.
func (a *Args) UnmarshalJSON(b []byte) error {
	var raw any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return errArgs("not JSON")
	}
	if dec.More() {
		return errArgs("something follows the JSON value")
	}
	*a = Args{}
	switch v := raw.(type) {
	case nil:
		return nil
	case []any:
		list, err := argList(v)
		a.List = list
		return err
	case map[string]any:
		a.Stages = make(map[string][]string, len(v))
		for stage, items := range v {
			if !slices.Contains([]string{StageInit, StagePlan, StageApply, StageDefault}, stage) {
				return errArgs(fmt.Sprintf("unknown stage %q, known are init, plan, apply and default", stage))
			}
			list, ok := items.([]any)
			if !ok && items != nil {
				return errArgs(fmt.Sprintf("stage %q is not an array", stage))
			}
			args, err := argList(list)
			if err != nil {
				return err
			}
			a.Stages[stage] = args
		}
		return nil
	default:
		return errArgs("neither an array nor an object")
	}
}

func errArgs(what string) error {
	return fmt.Errorf(`arguments: %s: write a JSON array of strings such as ["--flush-cache"], or for terraform an object {"plan": [], "apply": []}`, what)
}

func argList(items []any) ([]string, error) {
	list := make([]string, 0, len(items))
	for _, item := range items {
		switch v := item.(type) {
		case string:
			if bytes.IndexByte([]byte(v), 0) >= 0 {
				return nil, errArgs("an argument contains a NUL byte")
			}
			list = append(list, v)
		case json.Number, bool:
			list = append(list, fmt.Sprint(v))
		default:
			return nil, errArgs("an element is neither string, number nor boolean")
		}
	}
	return list, nil
}

// array returns the array form, which is all that ansible and scripts take.
func (a Args) array(field string) ([]string, error) {
	if a.Stages != nil {
		return nil, invalid(field, `must be a JSON array: an object with stages is for the Terraform family only`)
	}
	return a.List, nil
}

// stage returns the arguments of a Terraform stage. The array form serves plan
// and apply. In the object form a stage falls back to "default", but plan does
// not where only apply is given.
func (a Args) stage(name string) []string {
	if a.Stages == nil {
		if name == StageInit {
			return nil
		}
		return a.List
	}
	if list, ok := a.Stages[name]; ok {
		return list
	}
	if name == StageInit {
		return nil
	}
	if _, only := a.Stages[StageApply]; name == StagePlan && only {
		return nil
	}
	return a.Stages[StageDefault]
}
