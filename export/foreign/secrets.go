package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// opened is the secret of a key in clear, in the form in which ours are kept;
// nil for none. A value that does not open costs the row its secret only.
func (it *item) opened(kind store.KeyType) []byte {
	stored, ok := it.value("secret").(string)
	if !ok || strings.TrimSpace(stored) == "" || kind == store.KeyNone {
		return nil
	}
	if kind != store.KeySSH {
		stored = strings.TrimSpace(stored) // a newline at the end marks a plain ssh key only
	}
	plain, err := it.r.old.OpenLegacy(stored)
	if err == nil {
		plain, err = shaped(kind, plain)
	}
	if err != nil {
		it.change("secret", "cannot be opened with the key of the old configuration: it is empty and has to be entered anew")
		return nil
	}
	return plain
}

var errShape = errors.New("the value is none of its type")

// shaped sees that a secret is what its type says, and rewrites old forms.
func shaped(kind store.KeyType, plain []byte) ([]byte, error) {
	switch kind {
	case store.KeySSH:
		if !bytes.HasPrefix(bytes.TrimSpace(plain), []byte("{")) {
			if !bytes.Contains(plain, []byte("PRIVATE KEY")) {
				return nil, errShape
			}
			return json.Marshal(store.SSHKey{PrivateKey: string(plain)})
		}
		var k store.SSHKey
		if json.Unmarshal(plain, &k) != nil {
			return nil, errShape
		}
		return json.Marshal(k)
	case store.KeyLoginPassword:
		var k store.LoginPassword
		if json.Unmarshal(plain, &k) != nil {
			return nil, errShape
		}
		return json.Marshal(k)
	default:
		return plain, nil
	}
}
