package mask

import (
	"slices"
	"strings"
)

const (
	maxPrefix = 8       // bytes of a form that the machine knows
	minPrefix = 4       // the same when memory is short
	maxTable  = 1 << 20 // transitions that are worth a longer prefix
)

// machine finds the forms in one pass over a line. It is the automaton of Aho
// and Corasick over the first bytes of all forms, with every transition in one
// table; where it recognises a beginning, the rest is compared. So a key of many
// kilobytes costs no more states than a password, and the table stays small
// enough for the cache of a processor.
//
// All beginnings have the same length. Hence only the deepest states accept,
// and matches are met in the order in which they start.
type machine struct {
	class  [256]uint8 // of a byte; 0 are those that occur in no beginning
	stride uint32     // number of classes
	next   []uint32   // state + class to state; a state is the index of its row
	accept uint32     // the states from here on recognise a beginning
	forms  [][]string // by accepting state, longest first
	depth  []uint8    // by state: length of what was recognised
	prefix int
}

// span is a part of a line.
type span struct{ start, end int }

// newMachine returns the machine for forms, sorted and without repetition. It
// is nil when there are none.
func newMachine(forms []string) *machine {
	if len(forms) == 0 {
		return nil
	}
	m := &machine{prefix: maxPrefix}
	for _, f := range forms {
		m.prefix = min(m.prefix, len(f))
	}
	heads := m.heads(forms)
	for m.prefix > minPrefix && len(heads)*m.prefix*int(m.stride) > maxTable {
		m.prefix--
		heads = m.heads(forms)
	}
	m.build(heads)
	m.forms = make([][]string, uint32(len(m.next))/m.stride-m.accept/m.stride)
	for _, f := range forms {
		s := uint32(0)
		for i := range m.prefix {
			s = m.next[s+uint32(m.class[f[i]])]
		}
		i := (s - m.accept) / m.stride
		m.forms[i] = append(m.forms[i], f)
	}
	for _, group := range m.forms {
		slices.SortStableFunc(group, func(a, b string) int { return len(b) - len(a) })
	}
	return m
}

// heads returns the beginnings of forms and numbers the bytes in them. Forms are
// valid UTF-8, which leaves bytes unused: 255 classes are enough.
func (m *machine) heads(forms []string) []string {
	var heads []string
	m.class, m.stride = [256]uint8{}, 1
	for _, f := range forms {
		head := f[:m.prefix]
		if len(heads) > 0 && heads[len(heads)-1] == head {
			continue
		}
		heads = append(heads, head)
		for i := range m.prefix {
			if m.class[head[i]] == 0 {
				m.class[head[i]] = uint8(m.stride)
				m.stride++
			}
		}
	}
	return heads
}

// build makes the states level by level, so that the deepest come last. The
// heads are sorted: those of one state stand together.
func (m *machine) build(heads []string) {
	m.next = make([]uint32, m.stride, states(heads)*int(m.stride))
	m.depth = []uint8{0}
	fail := []uint32{0}              // by state: the longest end of it that is a beginning too
	at := make([]uint32, len(heads)) // state that each head has reached
	for d := range m.prefix {
		m.accept = uint32(len(m.next))
		for i, head := range heads {
			from, c := at[i], uint32(m.class[head[d]])
			if i > 0 && heads[i-1][:d+1] == head[:d+1] {
				at[i] = at[i-1]
				continue
			}
			state := uint32(len(m.next))
			m.next = m.next[:len(m.next)+int(m.stride)]
			m.depth = append(m.depth, uint8(d+1))
			back := uint32(0)
			if d > 0 {
				back = m.next[fail[from/m.stride]+c]
			}
			fail = append(fail, back)
			at[i] = state
			m.next[from+c] = state
		}
		m.inherit(m.accept, fail)
	}
}

// states counts the beginnings of the sorted heads, the empty one included.
func states(heads []string) int {
	n, before := 1, ""
	for _, head := range heads {
		same := 0
		for same < len(before) && before[same] == head[same] {
			same++
		}
		n += len(head) - same
		before = head
	}
	return n
}

// inherit gives the states from first on, which have no transitions of their
// own yet, those of the states they fall back to.
func (m *machine) inherit(first uint32, fail []uint32) {
	for s := first; s < uint32(len(m.next)); s += m.stride {
		back := fail[s/m.stride]
		copy(m.next[s:s+m.stride], m.next[back:back+m.stride])
	}
}

// spans returns what the forms cover in b, in order and without overlap; spans
// that only touch stay apart. With cut, b is the beginning of a longer line: a
// form that may go on behind b is a span that ends behind b.
func (m *machine) spans(b []byte, cut bool) []span {
	var found []span
	next, class, accept := m.next, &m.class, m.accept
	s := uint32(0)
	for i, c := range b {
		s = next[s+uint32(class[c])]
		if s < accept {
			continue
		}
		start := i + 1 - m.prefix
		if end := m.match((s-accept)/m.stride, b, start, cut); end > 0 {
			found = join(found, span{start, end})
		}
	}
	if d := int(m.depth[s/m.stride]); cut && d > 0 && d < m.prefix {
		found = join(found, span{len(b) - d, len(b) + 1})
	}
	return found
}

// match returns the end of the longest form of a group at start, or 0.
func (m *machine) match(group uint32, b []byte, start int, cut bool) int {
	rest := b[start:]
	for _, f := range m.forms[group] {
		switch {
		case len(rest) >= len(f):
			if string(rest[:len(f)]) == f {
				return start + len(f)
			}
		case cut && strings.HasPrefix(f, string(rest)):
			return len(b) + 1
		}
	}
	return 0
}

// join adds s, which starts behind the start of the last span, to found.
func join(found []span, s span) []span {
	if last := len(found) - 1; last >= 0 && s.start < found[last].end {
		found[last].end = max(found[last].end, s.end)
		return found
	}
	return append(found, s)
}

func containsStar(f string) bool { return strings.Contains(f, "*") }
