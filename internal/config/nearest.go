package config

import (
	"maps"
	"slices"
	"strings"
)

// maxName is the longest name that is compared.
const maxName = 80

func keysOf[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// didYouMean names the known name that is nearest to an unknown one, or
// nothing where none is near.
func didYouMean(name string, known []string) string {
	if len(name) > maxName {
		return ""
	}
	best, distance := "", max(2, len(name)/4)+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// editDistance counts the characters that have to be inserted, left out or
// replaced to make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
