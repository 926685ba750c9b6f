package job

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var envNamePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// isVarName tells whether a name can stand in front of "=" as an argument.
func isVarName(name string) bool {
	first, _ := utf8.DecodeRuneInString(name)
	if !unicode.IsLetter(first) && !unicode.IsNumber(first) && first != '_' {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r == '=' || unicode.IsSpace(r) || unicode.IsControl(r) })
}

func (s *Spec) checkVariables() error {
	for _, name := range sortedKeys(s.Variables) {
		if !isVarName(name) {
			return invalid("variables", "%q cannot be a variable's name: begin with a letter, digit or underscore, without spaces and '='", name)
		}
		if strings.ContainsRune(formatValue(s.Variables[name]), 0) {
			return invalid("variables", "the value of %q contains a NUL byte", name)
		}
	}
	for _, name := range sortedKeys(s.Survey) {
		if !isVarName(name) {
			return invalid("survey", "%q cannot be a variable's name", name)
		}
		if familyOf(s.App) != familyScript {
			continue
		}
		if !envNamePattern.MatchString(name) {
			return invalid("survey", "%q reaches the script as an environment variable: use letters, digits and underscores", name)
		}
		if ReservedName(name) {
			return invalid("survey", "%q is a reserved name: choose another one", name)
		}
	}
	return nil
}

func (s *Spec) checkEnvironment() error {
	for _, name := range sortedKeys(s.Environment) {
		if err := checkEnvName("environment", name, s.Environment[name]); err != nil {
			return err
		}
	}
	for i, secret := range s.Secrets {
		field := fmt.Sprintf("secrets[%d]", i)
		switch {
		case secret.Kind == SecretEnv, secret.Kind == SecretExt && familyOf(s.App) == familyScript:
			if err := checkEnvName(field, secret.Name, secret.Value.Reveal()); err != nil {
				return err
			}
		case secret.Kind == SecretExt:
			if !isVarName(secret.Name) {
				return invalid(field, "%q cannot be a variable's name", secret.Name)
			}
		default:
			return invalid(field, "kind is %q: use env or var", secret.Kind)
		}
	}
	return nil
}

func checkEnvName(field, name, value string) error {
	switch {
	case !envNamePattern.MatchString(name):
		return invalid(field, "%q cannot be an environment variable: use letters, digits and underscores", name)
	case strings.HasPrefix(strings.ToUpper(name), "SEMAPHORE_"):
		return invalid(field, "%q is a reserved name: choose one that does not begin with SEMAPHORE_", name)
	case strings.ContainsRune(value, 0):
		return invalid(field, "the value of %q contains a NUL byte", name)
	}
	return nil
}
