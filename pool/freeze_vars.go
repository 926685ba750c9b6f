package pool

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// freezeVariables merges the task's variables over those of the variable group,
// as far as the survey, the template and the caller's rights let it.
func (f *freezer) freezeVariables(context.Context) error {
	own, err := job.ParseVariables(f.req.Task.Environment)
	if err != nil {
		return refuse("environment", "%v", err)
	}
	if f.secret, err = f.secretValues(); err != nil {
		return err
	}
	if err := f.checkSurvey(own); err != nil {
		return err
	}
	vars := f.snap.Spec.Variables
	for _, name := range slices.Sorted(maps.Keys(own)) {
		effective, known := vars[name]
		if known && sameJSON(effective, own[name]) {
			continue
		}
		if err := f.mayNotSet(name); err != nil {
			return err
		}
		vars[name] = own[name]
		if slices.Contains(f.req.By.Extracted, name) {
			f.snap.Spec.Unsafe = append(f.snap.Spec.Unsafe, name)
		}
	}
	return nil
}

// mayNotSet says why the task must not set a variable, nil where it may.
func (f *freezer) mayNotSet(name string) error {
	by := f.req.By
	trusted := by.Manage || by.Saved && !slices.Contains(by.Extracted, name)
	switch {
	case strings.HasPrefix(strings.ToLower(name), "ansible_") && !trusted:
		return refuse("environment", "%q decides how hosts are reached: only those who manage the project's resources may set it", name)
	case job.ReservedName(name):
		return refuse("environment", "%q is a reserved name: choose another one", name)
	case trusted, f.tpl.Options.AllowOverrideEnvironment, slices.Contains(by.Extracted, name), f.surveyVar(name) != nil:
		return nil
	default:
		return refuse("environment", "%q is not a survey variable of the template: declare it there, or set allow_override_environment", name)
	}
}

func (f *freezer) surveyVar(name string) *store.SurveyVar {
	i := slices.IndexFunc(f.tpl.SurveyVars, func(v store.SurveyVar) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &f.tpl.SurveyVars[i]
}

// secretValues reads the request's secret survey values.
func (f *freezer) secretValues() (map[string]string, error) {
	given, err := job.ParseVariables(f.req.Task.Secret)
	if err != nil {
		return nil, refuse("secret", "is no JSON object of names and texts")
	}
	values := map[string]string{}
	for name, value := range given {
		switch v := value.(type) {
		case nil:
			continue
		case string:
			if v == "" {
				continue
			}
			values[name] = v
		case json.Number, bool:
			values[name] = fmt.Sprint(v)
		default:
			return nil, refuse("secret", "the value of %q is no text", name)
		}
		if err := f.mayNotSet(name); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// checkSurvey fills in defaults and checks values. A secret value that came
// with the variables is moved to where it belongs.
func (f *freezer) checkSurvey(own map[string]any) error {
	for _, v := range f.tpl.SurveyVars {
		if v.Type == store.SurveySecret {
			if value, ok := own[v.Name]; ok {
				if text, isText := value.(string); isText && text != "" && f.secret[v.Name] == "" {
					f.secret[v.Name] = text
				}
				delete(own, v.Name)
				f.dropFromTask(v.Name)
			}
			if v.Required && f.secret[v.Name] == "" {
				return refuse("secret", "%q is required: give it a value", v.Name)
			}
			continue
		}
		value, ok := own[v.Name]
		if !ok || value == nil || value == "" {
			delete(own, v.Name)
			if v.DefaultValue == "" {
				if v.Required {
					return refuse("environment", "%q is required: give it a value", v.Name)
				}
				continue
			}
			value = v.DefaultValue
		}
		checked, err := surveyValue(v, value)
		if err != nil {
			return err
		}
		own[v.Name] = checked
	}
	return nil
}

// dropFromTask keeps a secret out of the row that everybody may read.
func (f *freezer) dropFromTask(name string) {
	vars, err := job.ParseVariables(f.task.Environment)
	if err != nil {
		f.task.Environment = ""
		return
	}
	delete(vars, name)
	text, err := json.Marshal(vars)
	if err != nil {
		text = nil
	}
	f.task.Environment = string(text)
}

// surveyValue checks a value against the variable's type.
func surveyValue(v store.SurveyVar, value any) (any, error) {
	text := fmt.Sprint(value)
	switch v.Type {
	case store.SurveyInt:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return nil, refuse("environment", "%q must be a whole number", v.Name)
		}
	case store.SurveyEnum:
		if !slices.ContainsFunc(v.Values, func(c store.SurveyValue) bool { return c.Value == text }) {
			return nil, refuse("environment", "%q must be one of the survey's values", v.Name)
		}
	}
	return value, nil
}

// freezeSecrets seals the secret survey values.
func (f *freezer) freezeSecrets(context.Context) error {
	if len(f.secret) == 0 {
		return nil
	}
	f.snap.Survey = slices.Sorted(maps.Keys(f.secret))
	f.snap.SealID = rand.Text()
	text, err := json.Marshal(f.secret)
	if err != nil {
		return fmt.Errorf("encode secret values: %w", err)
	}
	sealed, err := f.pool.cfg.Ring.Seal(text, surveyAD(f.tpl.ProjectID, f.snap.SealID))
	if err != nil {
		return fmt.Errorf("seal secret values: %w", err)
	}
	f.sealed = []byte(sealed)
	return nil
}

// surveyAD binds sealed survey values to their task, whose id is not known yet
// when they are sealed.
func surveyAD(project int64, sealID string) crypto.AD {
	return crypto.AD{Table: "task", ProjectID: project, Field: "secrets:" + sealID}
}
