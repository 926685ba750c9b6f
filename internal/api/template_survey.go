package api

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// hideSurveyDefaults keeps the default values of secret variables to the
// server, which fills them in.
func hideSurveyDefaults(t *store.Template) {
	for i := range t.SurveyVars {
		if t.SurveyVars[i].Type == store.SurveySecret {
			t.SurveyVars[i].DefaultValue = ""
		}
	}
}

// checkSurvey checks the variables that people are asked for.
func checkSurvey(vars []store.SurveyVar) error {
	seen := map[string]bool{}
	for i, v := range vars {
		field := fmt.Sprintf("survey_vars[%d]", i)
		switch {
		case v.Name == "" || strings.ContainsAny(v.Name, "= \t\r\n"):
			return invalid(field+".name", "%q cannot be a variable's name: begin with a letter, digit or underscore, without spaces and '='", clip(v.Name, 60))
		case seen[v.Name]:
			return invalid(field+".name", "%q is there twice", clip(v.Name, 60))
		case job.ReservedName(v.Name):
			return invalid(field+".name", "%q is a reserved name: choose another one", clip(v.Name, 60))
		}
		seen[v.Name] = true
		if err := checkSurveyType(field, v); err != nil {
			return err
		}
	}
	return nil
}

func checkSurveyType(field string, v store.SurveyVar) error {
	switch v.Type {
	case store.SurveyString:
	case store.SurveySecret:
		if v.DefaultValue != "" {
			return invalid(field+".default_value", "a secret variable has none, for it would lie in the template in clear: keep the value as a secret of the variable group")
		}
	case store.SurveyInt:
		if _, err := strconv.ParseInt(v.DefaultValue, 10, 64); v.DefaultValue != "" && err != nil {
			return invalid(field+".default_value", "is no whole number")
		}
	case store.SurveyEnum:
		if len(v.Values) == 0 {
			return invalid(field+".values", "is empty: an enum needs values to choose from")
		}
		seen := map[string]bool{}
		for _, choice := range v.Values {
			if seen[choice.Value] {
				return invalid(field+".values", "%q is there twice", clip(choice.Value, 60))
			}
			seen[choice.Value] = true
		}
		if v.DefaultValue != "" && !seen[v.DefaultValue] {
			return invalid(field+".default_value", "is not one of the values")
		}
	default:
		return invalid(field+".type", "is %q: use int, secret, enum, or nothing for text", clip(string(v.Type), 40))
	}
	return nil
}

// keepSurveyDefaults keeps the defaults of secret variables, which only a host
// program or an import can have set, where they are sent back empty, as they were
// shown.
func keepSurveyDefaults(sent, stored []store.SurveyVar) []store.SurveyVar {
	for i, v := range sent {
		if v.Type != store.SurveySecret || v.DefaultValue != "" {
			continue
		}
		for _, old := range stored {
			if old.Name == v.Name && old.Type == store.SurveySecret {
				sent[i].DefaultValue = old.DefaultValue
			}
		}
	}
	return sent
}
