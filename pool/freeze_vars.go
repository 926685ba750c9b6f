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
		if f.isDefault(name, own[name]) {
			vars[name] = own[name]
			continue
		}
		if err := f.mayNotSet(name); err != nil {
			if blank(own[name]) {
				continue // old clients send what was not filled in
			}
			return err
		}
		vars[name] = own[name]
		if slices.Contains(f.req.By.Extracted, name) {
			f.snap.Spec.Unsafe = append(f.snap.Spec.Unsafe, name)
		}
	}
	return nil
}

// isDefault tells whether a value is what the survey fills in by itself.
func (f *freezer) isDefault(name string, value any) bool {
	v := f.surveyVar(name)
	return v != nil && v.DefaultValue != "" && v.DefaultValue == fmt.Sprint(value) && !job.ReservedName(name)
}

// blank tells whether a value says nothing.
func blank(value any) bool { return value == nil || value == "" }

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
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if err := f.addSecret(values, name, given[name]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// addSecret takes one secret value, if it says anything.
func (f *freezer) addSecret(values map[string]string, name string, value any) error {
	if blank(value) {
		return nil
	}
	switch value.(type) {
	case string, json.Number, bool:
	default:
		return refuse("secret", "the value of %q is no text", name)
	}
	if slices.Contains(f.req.By.Extracted, name) {
		return refuse("secret", "%q is a secret: what a webhook brings cannot be one", name)
	}
	if err := f.mayNotSet(name); err != nil {
		return err
	}
	values[name] = fmt.Sprint(value)
	return nil
}

// checkSurvey fills in defaults and checks values. A secret value that came
// with the variables is moved to where it belongs.
func (f *freezer) checkSurvey(own map[string]any) error {
	for _, v := range f.tpl.SurveyVars {
		check := f.checkValue
		if v.Type == store.SurveySecret {
			check = f.checkSecret
		}
		if err := check(v, own); err != nil {
			return err
		}
	}
	return nil
}

func (f *freezer) checkSecret(v store.SurveyVar, own map[string]any) error {
	if value, ok := own[v.Name]; ok {
		delete(own, v.Name)
		f.dropFromTask(v.Name)
		if f.secret[v.Name] == "" {
			if err := f.addSecret(f.secret, v.Name, value); err != nil {
				return err
			}
		}
	}
	switch {
	case f.secret[v.Name] != "":
	case v.DefaultValue != "":
		f.secret[v.Name] = v.DefaultValue
	case v.Required:
		return refuse("secret", "%q is required: give it a value", v.Name)
	}
	return nil
}

func (f *freezer) checkValue(v store.SurveyVar, own map[string]any) error {
	if hidden, ok := f.secret[v.Name]; ok { // kept secret though it need not be
		delete(own, v.Name)
		return surveyValue(v, hidden)
	}
	if blank(own[v.Name]) {
		delete(own, v.Name)
		if v.DefaultValue == "" {
			if v.Required {
				return refuse("environment", "%q is required: give it a value", v.Name)
			}
			return nil
		}
		own[v.Name] = v.DefaultValue
	}
	return surveyValue(v, own[v.Name])
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
func surveyValue(v store.SurveyVar, value any) error {
	text := fmt.Sprint(value)
	switch v.Type {
	case store.SurveyInt:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return refuse("environment", "%q must be a whole number", v.Name)
		}
	case store.SurveyEnum:
		if !slices.ContainsFunc(v.Values, func(c store.SurveyValue) bool { return c.Value == text }) {
			return refuse("environment", "%q must be one of the survey's values", v.Name)
		}
	}
	return nil
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
	if f.sealed, err = sealBound(f.pool.cfg.Ring, surveyField, f.tpl.ProjectID, f.snap.SealID, text); err != nil {
		return fmt.Errorf("secret values: %w", err)
	}
	return nil
}
