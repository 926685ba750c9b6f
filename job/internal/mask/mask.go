// Package mask replaces secrets in lines of output by ***: the text itself and
// the forms in which programs show it, such as base64, JSON or shell quoting.
package mask

import "slices"

// Value is a secret text with the name it is reported by.
type Value struct {
	Name string
	Text string
}

const (
	replacement = "***"
	// maxPasses bounds how often a line is looked at again, because what was put
	// into it made another secret. It is reached only by lines that were made for
	// it; of them nothing is shown.
	maxPasses = 16
)

// Masker replaces the forms of a set of secrets. It does not change after New
// and serves any number of goroutines. A nil Masker replaces nothing.
type Masker struct {
	machine *machine
	// again tells that a form contains "*", so that a replacement can complete
	// another match.
	again bool
}

// New returns a Masker for values, and the names of those that are not masked
// because they are too short: masking them would hide more of the output than
// of the secret. What counts is the text without white space around it:
//
//   - fewer than 6 bytes (true, false, yes, no and null are among them) and
//     numbers of fewer than 8 digits are too short;
//   - a text of several lines is masked line by line, those from 8 bytes with a
//     letter or a digit that are not the header or footer of a PEM block, and
//     as a whole where an encoding puts it into one line;
//   - lines whose line feeds are written as \n count as lines too;
//   - base64 is recognised from 9 bytes on, and in lines of 64 or 76 characters
//     those from 12.
//
// Values without text are ignored.
func New(values []Value) (m *Masker, short []string) {
	var found []string
	for _, v := range values {
		of, ok := formsOf(v.Text)
		if !ok && !slices.Contains(short, v.Name) {
			short = append(short, v.Name)
		}
		found = append(found, of...)
	}
	slices.Sort(found)
	found = slices.Compact(found)
	m = &Masker{machine: newMachine(found)}
	for _, f := range found {
		m.again = m.again || containsStar(f)
	}
	return m, short
}

// Line returns one line of valid UTF-8, which has no line feed, with every
// occurrence of a secret replaced by ***; occurrences that overlap are replaced
// together. Without one it returns b itself and false. b is not changed.
func (m *Masker) Line(b []byte) (out []byte, masked bool) {
	if m == nil || m.machine == nil {
		return b, false
	}
	spans := m.machine.spans(b, false)
	if len(spans) == 0 {
		return b, false
	}
	out = replace(b, spans)
	for range maxPasses {
		if !m.again {
			return out, true
		}
		if spans = m.machine.spans(out, false); len(spans) == 0 {
			return out, true
		}
		out = replace(out, spans)
	}
	return []byte(replacement), true
}

// SafeCut returns where to cut a line that may keep at most n bytes: at n, or
// before the secret that a cut at n would divide, so that no beginning of it is
// left unmasked at the end. What looks like the beginning of a secret counts as
// one.
func (m *Masker) SafeCut(b []byte, n int) int {
	n = max(0, min(n, len(b)))
	if m == nil || m.machine == nil {
		return n
	}
	spans := m.machine.spans(b[:n], true)
	if last := len(spans) - 1; last >= 0 && spans[last].end > n {
		return spans[last].start
	}
	return n
}

// replace returns b with the spans replaced.
func replace(b []byte, spans []span) []byte {
	size := len(b)
	for _, s := range spans {
		size += len(replacement) - (s.end - s.start)
	}
	out := make([]byte, 0, size)
	from := 0
	for _, s := range spans {
		out = append(out, b[from:s.start]...)
		out = append(out, replacement...)
		from = s.end
	}
	return append(out, b[from:]...)
}
