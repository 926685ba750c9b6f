package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// errJSON says that a value has to be JSON, which the caller decodes.
var errJSON = errors.New("needs JSON")

// setText sets a value from the text of a variable, an option or a default.
// Its errors never repeat the text: it may be secret.
func setText(v reflect.Value, text string) error {
	switch v.Type() {
	case reflect.TypeFor[Secret]():
		v.Set(reflect.ValueOf(NewSecret(text)))
		return nil
	case reflect.TypeFor[PathList]():
		if !strings.HasPrefix(text, "[") {
			v.Set(reflect.ValueOf(splitPaths(text)))
			return nil
		}
	case reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("a duration such as 200ms or 5s is expected")
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := parseBool(text)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case reflect.Int:
		i, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return errors.New("a whole number is expected")
		}
		v.SetInt(int64(i))
	case reflect.Pointer:
		inner := reflect.New(v.Type().Elem())
		if err := setText(inner.Elem(), text); err != nil {
			return err
		}
		v.Set(inner)
	case reflect.Slice:
		return setList(v, text)
	default:
		return errJSON
	}
	return nil
}

// setList takes a list as JSON, or separated by commas where that is clear.
func setList(v reflect.Value, text string) error {
	if strings.HasPrefix(strings.TrimSpace(text), "[") || isGroup(v.Type().Elem()) {
		return errJSON
	}
	list := reflect.MakeSlice(v.Type(), 0, 1)
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if err := setText(e, item); err != nil {
			return fmt.Errorf("element %d: %w", list.Len()+1, err)
		}
		list = reflect.Append(list, e)
	}
	v.Set(list)
	return nil
}

func parseBool(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "true", "yes", "on":
		return true, nil
	case "0", "false", "no", "off":
		return false, nil
	}
	return false, errors.New("true, yes, 1, false, no or 0 is expected")
}

func splitPaths(text string) PathList {
	var list PathList
	for _, p := range filepath.SplitList(text) {
		if p != "" {
			list = append(list, p)
		}
	}
	return list
}
