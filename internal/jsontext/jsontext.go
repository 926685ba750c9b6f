// Package jsontext looks at JSON before anything is built of it.
package jsontext

import "bytes"

// HasNUL tells whether a text in JSON has a NUL character, which some databases
// do not take. It looks for the escape alone: a bare NUL is no JSON, and its
// reader refuses it.
func HasNUL(data []byte) bool {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 || i+1 == len(data) {
			return false
		}
		if bytes.HasPrefix(data[i:], []byte(`\u0000`)) {
			return true
		}
		data = data[i+2:]
	}
}
