package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
)

var (
	portPattern      = regexp.MustCompile(`^:?[0-9]{1,5}$`)
	envPrefixPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// check holds every value against the rule of its tag.
func (s *state) check(v reflect.Value, path string) {
	switch {
	case isGroup(v.Type()):
		fields := fieldsOf(v)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			f := fields[name]
			if rule := f.tag.Get("rule"); rule != "" {
				s.apply(rule, f.value, join(path, name))
			}
			s.check(f.value, join(path, name))
		}
	case v.Kind() == reflect.Map && isGroup(v.Type().Elem()):
		for _, k := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }) {
			if !idPattern.MatchString(k.String()) {
				s.wrong("%s: %q is no id: use letters, digits, -, _ and .", s.place(path), k.String())
			}
			s.check(v.MapIndex(k), path+"."+k.String())
		}
	case v.Kind() == reflect.Slice && isGroup(v.Type().Elem()):
		for i := range v.Len() {
			s.check(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// apply checks a value, or each element of it.
func (s *state) apply(rule string, v reflect.Value, path string) {
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			s.apply(rule, v.Index(i), path)
		}
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	text := fmt.Sprint(v.Interface())
	secret, isSecret := v.Interface().(Secret)
	if isSecret {
		text = secret.Reveal()
	}
	name, arg, _ := strings.Cut(rule, ":")
	if text == "" && name != "required" {
		return
	}
	err := checkRule(name, arg, text)
	switch {
	case err == nil:
	case isSecret || text == "":
		s.wrong("%s: %w", s.place(path), err)
	default:
		s.wrong("%s: %w, not %q", s.place(path), err, text)
	}
}

// place names a key and where it was written.
func (s *state) place(path string) string {
	if at, ok := s.at[path]; ok {
		return at.doc.at(at.offset) + ": " + path
	}
	return path
}

// checkRule tells what is expected of a text that is not it. It does not repeat
// the text.
func checkRule(name, arg, text string) error {
	switch name {
	case "oneof":
		if !slices.Contains(strings.Split(arg, "|"), text) {
			return fmt.Errorf("%s is expected", oneOf(arg))
		}
	case "min", "range":
		low, high, _ := strings.Cut(arg, "..")
		n, _ := strconv.Atoi(text)
		least, _ := strconv.Atoi(low)
		most, err := strconv.Atoi(high)
		if n < least || err == nil && n > most {
			return errors.New(describeRule(name+":"+arg) + " is expected")
		}
	case "port":
		n, _ := strconv.Atoi(strings.TrimPrefix(text, ":"))
		if !portPattern.MatchString(text) || n > 65535 {
			return errors.New("a port such as :3000 is expected")
		}
	case "level":
		if !slices.Contains([]string{"DEBUG", "INFO", "WARN", "ERROR", "FATAL", "PANIC"}, strings.ToUpper(text)) {
			return errors.New("DEBUG, INFO, WARN, ERROR, FATAL or PANIC is expected")
		}
	case "required":
		if text == "" {
			return errors.New("a value is needed")
		}
	case "env_prefix":
		if !envPrefixPattern.MatchString(text) {
			return errors.New("the beginning of variable names is expected: letters, digits and _")
		}
	case "filter":
		if !strings.Contains(text, "%s") {
			return errors.New("a filter with %s for the login is expected")
		}
	default:
		return checkFormat(name, text)
	}
	return nil
}

// checkFormat is checkRule for texts that other packages read.
func checkFormat(name, text string) error {
	switch name {
	case "cidr":
		if _, err := netip.ParsePrefix(text); err != nil {
			if _, err := netip.ParseAddr(text); err != nil {
				return errors.New("a network such as 10.0.0.0/8, or an address, is expected")
			}
		}
	case "url":
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New("an address that begins with http:// or https:// is expected")
		}
	case "origin":
		u, err := url.Parse(text)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return errors.New("an origin such as https://semaphore.example.org, without path, is expected")
		}
	case "timezone":
		if _, err := time.LoadLocation(text); err != nil {
			return errors.New("a time zone such as Europe/Berlin is expected")
		}
	case "base64":
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return errors.New("base64 is expected")
		}
	case "key":
		if _, err := crypto.ParseKey(text); err != nil {
			return errors.New("base64 of 16, 24 or 32 bytes is expected: semaphore setup makes one")
		}
	}
	return nil
}

func oneOf(arg string) string {
	words := strings.Split(arg, "|")
	for i, w := range words {
		if w == "" {
			words[i] = "empty"
		}
	}
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// describeRule says a rule for people.
func describeRule(rule string) string {
	name, arg, _ := strings.Cut(rule, ":")
	switch name {
	case "":
		return ""
	case "oneof":
		return oneOf(arg)
	case "min":
		return arg + " or more"
	case "range":
		low, high, _ := strings.Cut(arg, "..")
		return low + " to " + high
	case "cidr":
		return "networks or addresses"
	case "url":
		return "http:// or https://"
	case "origin":
		return "scheme://host"
	case "key":
		return "base64 of 16, 24 or 32 bytes"
	case "timezone":
		return "IANA name"
	case "env_prefix":
		return "beginning of names"
	case "filter":
		return "holds %s"
	case "level":
		return "a level"
	}
	return name
}
