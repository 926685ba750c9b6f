package memory

import "iter"

const (
	nodeBits  = 5
	nodeWidth = 1 << nodeBits
)

// tree is a persistent map from ids, which are positive, to values, in the
// order of the ids. with and without return a new tree that shares all but one
// path with the old one, which makes a snapshot of a table free. The zero tree
// is empty.
type tree[V any] struct {
	root  *node[V]
	depth int // levels of nodes below the root
	size  int
}

type node[V any] struct {
	used int
	kids []*node[V] // of an inner node
	vals []V        // of a leaf
	has  uint32     // slots of vals that are used
}

func slot(id int64, level int) int { return int(uint64(id) >> (nodeBits * level) & (nodeWidth - 1)) }

func (t tree[V]) covers(id int64) bool { return uint64(id)>>(nodeBits*(t.depth+1)) == 0 }

func (t tree[V]) get(id int64) (v V, ok bool) {
	if t.root == nil || !t.covers(id) {
		return v, false
	}
	n := t.root
	for level := t.depth; level > 0; level-- {
		if n = n.kids[slot(id, level)]; n == nil {
			return v, false
		}
	}
	i := slot(id, 0)
	return n.vals[i], n.has&(1<<i) != 0
}

// with returns the tree with a value added or replaced.
func (t tree[V]) with(id int64, v V) tree[V] {
	for !t.covers(id) {
		if t.root != nil {
			t.root = &node[V]{used: 1, kids: append(make([]*node[V], 0, nodeWidth), t.root)[:nodeWidth]}
		}
		t.depth++
	}
	var added bool
	t.root, added = put(t.root, t.depth, id, v)
	if added {
		t.size++
	}
	return t
}

func put[V any](old *node[V], level int, id int64, v V) (*node[V], bool) {
	n := old.clone(level)
	i := slot(id, level)
	if level == 0 {
		added := n.has&(1<<i) == 0
		n.vals[i] = v
		n.has |= 1 << i
		if added {
			n.used++
		}
		return n, added
	}
	if n.kids[i] == nil {
		n.used++
	}
	var added bool
	n.kids[i], added = put(n.kids[i], level-1, id, v)
	return n, added
}

func (n *node[V]) clone(level int) *node[V] {
	c := &node[V]{}
	if n != nil {
		c.used, c.has = n.used, n.has
	}
	if level == 0 {
		c.vals = make([]V, nodeWidth)
		if n != nil {
			copy(c.vals, n.vals)
		}
		return c
	}
	c.kids = make([]*node[V], nodeWidth)
	if n != nil {
		copy(c.kids, n.kids)
	}
	return c
}

// without returns the tree without an id.
func (t tree[V]) without(id int64) tree[V] {
	if _, ok := t.get(id); !ok {
		return t
	}
	t.root = cut(t.root, t.depth, id)
	t.size--
	if t.root == nil {
		t.depth = 0
	}
	return t
}

func cut[V any](old *node[V], level int, id int64) *node[V] {
	n := old.clone(level)
	i := slot(id, level)
	if level == 0 {
		var none V
		n.vals[i] = none
		n.has &^= 1 << i
		n.used--
	} else if n.kids[i] = cut(n.kids[i], level-1, id); n.kids[i] == nil {
		n.used--
	}
	if n.used == 0 {
		return nil
	}
	return n
}

// all yields the values by rising ids, or by falling ones.
func (t tree[V]) all(desc bool) iter.Seq2[int64, V] {
	return func(yield func(int64, V) bool) {
		if t.root != nil {
			walk(t.root, t.depth, 0, desc, yield)
		}
	}
}

func walk[V any](n *node[V], level int, prefix int64, desc bool, yield func(int64, V) bool) bool {
	for k := range nodeWidth {
		i := k
		if desc {
			i = nodeWidth - 1 - k
		}
		id := prefix<<nodeBits | int64(i)
		switch {
		case level == 0 && n.has&(1<<i) != 0:
			if !yield(id, n.vals[i]) {
				return false
			}
		case level > 0 && n.kids[i] != nil:
			if !walk(n.kids[i], level-1, id, desc, yield) {
				return false
			}
		}
	}
	return true
}
