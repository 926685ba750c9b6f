package api_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// places are the members of a JSON value with their paths, such as
// ".vaults[0].name", in a fixed order.
func places(v any) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) { visit("", v, yield) }
}

func visit(path string, v any, yield func(string, any) bool) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			at := path + "." + name
			if !yield(at, v[name]) || !visit(at, v[name], yield) {
				return false
			}
		}
	case []any:
		for i := range v {
			at := fmt.Sprintf("%s[%d]", path, i)
			if !yield(at, v[i]) || !visit(at, v[i], yield) {
				return false
			}
		}
	}
	return true
}

// replaced is a copy of a JSON value with another one at a path.
func replaced(v any, path string, by any) any {
	switch {
	case path == "":
		return by
	case path[0] == '.':
		name, rest := path[1:], ""
		if i := strings.IndexAny(name, ".["); i >= 0 {
			name, rest = name[:i], name[i:]
		}
		m := maps.Clone(v.(map[string]any))
		m[name] = replaced(m[name], rest, by)
		return m
	default:
		text, rest, _ := strings.Cut(path[1:], "]")
		i, err := strconv.Atoi(text)
		if err != nil {
			panic(err)
		}
		list := slices.Clone(v.([]any))
		list[i] = replaced(list[i], rest, by)
		return list
	}
}
