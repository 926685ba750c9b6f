package hook

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// Validate says what is wrong with an integration as a *job.FieldError whose
// field is that of the wire, nil for nothing. Whether template and key exist is
// the store's to tell.
func Validate(i store.Integration) error {
	if strings.TrimSpace(i.Name) == "" {
		return refuse("name", "is empty: give the integration a name")
	}
	if i.TemplateID <= 0 {
		return refuse("template_id", "is missing: choose the template to run")
	}
	methods := []string{MethodNone, "none", MethodGitHub, MethodBitbucket, MethodHMAC, MethodToken, MethodBasic}
	switch {
	case !slices.Contains(methods, i.AuthMethod):
		return refuse("auth_method", "is %q: use github, bitbucket, hmac, token, basic, or nothing", i.AuthMethod)
	case needsSecret(i.AuthMethod) && (i.AuthSecretID == nil || *i.AuthSecretID <= 0):
		return refuse("auth_secret_id", "is missing: %s compares with a secret, so choose a login_password key", i.AuthMethod)
	case i.AuthMethod == MethodHMAC || i.AuthMethod == MethodToken:
		return checkHeader("auth_header", i.AuthHeader)
	}
	return nil
}

// ValidateMatcher says what is wrong with a matcher as a *job.FieldError, nil
// for nothing.
func ValidateMatcher(m store.IntegrationMatcher) error {
	if strings.TrimSpace(m.Name) == "" {
		return refuse("name", "is empty: give the matcher a name")
	}
	if !slices.Contains([]string{equals, unequals, contains}, m.Method) {
		return refuse("method", "is %q: use equals, unequals or contains", m.Method)
	}
	if m.Value == "" {
		return refuse("value", "is empty: say what to compare with")
	}
	return checkSource("match_type", m.MatchType, m.BodyDataType, m.Key, true)
}

// ValidateExtractor says what is wrong with an extractor as a *job.FieldError,
// nil for nothing.
func ValidateExtractor(e store.IntegrationExtractor) error {
	if strings.TrimSpace(e.Name) == "" {
		return refuse("name", "is empty: give the value a name")
	}
	needsKey := e.ValueSource != fromBody || e.BodyDataType != asString
	if err := checkSource("value_source", e.ValueSource, e.BodyDataType, e.Key, needsKey); err != nil {
		return err
	}
	return checkVariable(e.Variable, e.VariableType)
}

// checkSource checks where a value is taken from.
func checkSource(field, source, dataType, key string, needsKey bool) error {
	switch {
	case source != fromHeader && source != fromBody:
		return refuse(field, "is %q: use header or body", source)
	case source == fromBody && dataType != asJSON && dataType != asString:
		return refuse("body_data_type", "is %q: use json or string", dataType)
	case needsKey && key == "":
		return refuse("key", "is empty: name a header, or the path of a value in the body")
	case len(key) > maxKey:
		return refuse("key", "is longer than %d bytes", maxKey)
	case source == fromHeader:
		return checkHeader("key", key)
	case source == fromBody && dataType == asJSON && strings.Count(key, ".") >= MaxDepth:
		return refuse("key", "goes deeper than %d levels", MaxDepth)
	}
	return nil
}

// checkHeader checks the name of a header, a token as RFC 9110 defines it.
func checkHeader(field, name string) error {
	if name == "" {
		return refuse(field, "is empty: name the header")
	}
	if len(name) > maxName {
		return refuse(field, "is longer than %d bytes", maxName)
	}
	for _, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return refuse(field, "cannot be a header's name: use letters, digits and dashes")
		}
	}
	return nil
}

// checkVariable checks the name that a webhook's value goes to. Names that
// decide what programs load, or how hosts are reached, are not for strangers.
func checkVariable(name, kind string) error {
	if kind != "" && kind != intoEnvironment && kind != intoTask {
		return refuse("variable_type", "is %q: use environment or task", kind)
	}
	first, _ := utf8.DecodeRuneInString(name)
	switch {
	case name == "":
		return refuse("variable", "is empty: name the variable")
	case len(name) > maxName:
		return refuse("variable", "is longer than %d bytes", maxName)
	case !utf8.ValidString(name),
		!unicode.IsLetter(first) && !unicode.IsNumber(first) && first != '_',
		strings.ContainsFunc(name, func(r rune) bool { return r == '=' || unicode.IsSpace(r) || unicode.IsControl(r) }):
		return refuse("variable", "%.100q cannot be a variable's name: begin with a letter, digit or underscore, without spaces and '='", name)
	case kind == intoTask:
		return nil
	case strings.HasPrefix(strings.ToLower(name), "ansible_"):
		return refuse("variable", "%.100q decides how hosts are reached: a webhook must not set it", name)
	case job.ReservedName(name):
		return refuse("variable", "%.100q is a reserved name: choose another one", name)
	}
	return nil
}
