package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// namer gives the rows of one kind names that differ, as a file needs them.
type namer struct {
	kind  string
	taken map[string]bool
}

// reserve takes names that only one row may have before any is given.
func newNamer(kind string) *namer { return &namer{kind: kind, taken: map[string]bool{}} }

// name returns what a row is called in a file, and the name that it has, where
// the two differ. The suffix depends on the row alone, so that the same project
// gives the same file.
func (n *namer) name(id int64, name string) (string, *string) {
	if name != "" && !n.taken[name] {
		n.taken[name] = true
		return name, nil
	}
	return n.suffixed(id, name), &name
}

// suffixed adds ten hex digits to a name.
func (n *namer) suffixed(id int64, name string) string {
	if name == "" {
		name = "unnamed " + n.kind
	}
	for try := 0; ; try++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", n.kind, id, try))
		called := name + " - " + hex.EncodeToString(sum[:5])
		if !n.taken[called] {
			n.taken[called] = true
			return called
		}
	}
}

// index finds rows of a file by their names.
type index struct {
	noun string
	rows map[string][]int
}

func newIndex[T any](noun string, list []T, name func(*T) string) index {
	x := index{noun, make(map[string][]int, len(list))}
	for i := range list {
		n := name(&list[i])
		x.rows[n] = append(x.rows[n], i)
	}
	return x
}

// find returns the row of that name, or why there is none.
func (x index) find(name string) (int, string) {
	switch rows := x.rows[name]; len(rows) {
	case 0:
		return -1, fmt.Sprintf("there is no %s %q in the file: add it, or name another one", x.noun, clip(name, 60))
	case 1:
		return rows[0], ""
	default:
		return -1, fmt.Sprintf("%d rows of kind %s are called %q: give them different names in the file", len(rows), x.noun, clip(name, 60))
	}
}
