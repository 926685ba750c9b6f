package config

import (
	"reflect"
	"slices"
	"strings"
)

// ApplyOptions puts options of the database, by dotted key, over the
// configuration, and notes warnings and sources in the report. An option that
// is unknown, invalid, or needed before the database is open has no effect but
// a warning: what stands in a database never keeps the program from starting.
func (c *Config) ApplyOptions(options map[string]string, report *Report) {
	if report.Sources == nil {
		report.Sources = map[string]Source{}
	}
	var known []string
	byName := map[string]Key{}
	for _, k := range Keys() {
		if k.index != nil && !k.EnvOnly {
			known = append(known, k.Name)
			byName[k.Name] = k
		}
	}
	for _, name := range keysOf(options) {
		if slices.ContainsFunc(notes(), func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			continue
		}
		s := &state{sources: map[string]Source{}, at: map[string]location{}}
		switch k, ok := byName[name]; {
		case ok && !fromOptions(name):
			s.warn("option %s is not read from the database: write it into the configuration file", name)
		case ok:
			s.option(reflect.ValueOf(c).Elem().FieldByIndex(k.index), name, options[name])
		case !c.elementOption(s, name, options[name]) && len(s.errs) == 0:
			s.warn("option %s is no key of the configuration%s", name, didYouMean(name, known))
		}
		for _, err := range s.errs {
			s.warn("option %s is left out: %v", name, err)
		}
		report.Warnings = append(report.Warnings, s.warnings...)
		for key, source := range s.sources {
			report.Sources[key] = source
		}
	}
}

// fromOptions tells whether a key may come from the database. What opens the
// database, names files of the server or guards its secrets may not: options
// are changed over the network.
func fromOptions(name string) bool {
	for _, prefix := range []string{
		"dialect", "sqlite.", "postgres.", "mysql.", "bolt.", "data_dir", "tmp_path", "dirs.", "tls.", "process.",
		"access_key_encryption", "old_access_key_encryption", "cookie_", "env_secret_prefix", "strict_permissions",
		"trusted_proxies", "trusted_origins", "outgoing.", "forwarded_env_vars", "ssh_config_path", "log.", "debugging.", "port", "interface",
	} {
		if name == prefix || strings.HasSuffix(prefix, ".") && strings.HasPrefix(name, prefix) || strings.HasSuffix(prefix, "_") && strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}

// option sets one value, unless something is wrong with it.
func (s *state) option(v reflect.Value, name, text string) {
	fresh := reflect.New(v.Type()).Elem()
	setDefaults(fresh)
	s.set(fresh, name, text, SourceOption, "its value")
	clear(s.at)
	if rule := ruleOf(name); rule != "" && len(s.errs) == 0 {
		s.apply(rule, fresh, "its value")
	}
	if len(s.errs) == 0 {
		s.check(fresh, name)
	}
	if len(s.errs) > 0 {
		clear(s.sources)
		return
	}
	v.Set(fresh)
}

// elementOption sets a field of an app or provider: apps.<id>.<field>. It tells
// whether the name is one of these.
func (c *Config) elementOption(s *state, name, text string) bool {
	for section, m := range map[string]reflect.Value{
		"apps.":           reflect.ValueOf(&c.AppSettings).Elem(),
		"oidc_providers.": reflect.ValueOf(&c.OIDCProviders).Elem(),
	} {
		rest, ok := strings.CutPrefix(name, section)
		if !ok {
			continue
		}
		id, key, _ := strings.Cut(rest, ".")
		if !idPattern.MatchString(id) {
			s.wrong("%q is no id", id)
			return true
		}
		element := reflect.New(m.Type().Elem()).Elem()
		setDefaults(element)
		if old := m.MapIndex(reflect.ValueOf(id)); old.IsValid() {
			element.Set(old)
		}
		target := element
		if key != "" {
			f, ok := fieldsOf(element)[key]
			if !ok {
				s.wrong("%s has no %s%s", section[:len(section)-1], key, didYouMean(key, keysOf(fieldsOf(element))))
				return true
			}
			target = f.value
		}
		if s.option(target, name, text); len(s.errs) > 0 {
			return true
		}
		if m.IsNil() {
			m.Set(reflect.MakeMap(m.Type()))
		}
		m.SetMapIndex(reflect.ValueOf(id), element)
		return true
	}
	return false
}

// ruleOf returns the rule of a key by its dotted name.
func ruleOf(name string) string {
	t, rule := reflect.TypeFor[Config](), ""
	for part := range strings.SplitSeq(name, ".") {
		if t.Kind() == reflect.Map {
			t, rule = t.Elem(), ""
			continue
		}
		if t.Kind() != reflect.Struct {
			return ""
		}
		f, ok := fieldsOf(reflect.New(t).Elem())[part]
		if !ok {
			return ""
		}
		t, rule = f.value.Type(), f.tag.Get("rule")
	}
	return rule
}

// notes begin the names of options that are no settings: notes of package auth,
// of imports, and of the servers about themselves and about runners.
func notes() []string {
	return []string{"auth.identity.", "auth.unlock.", "import.", "node.", "summon."}
}
