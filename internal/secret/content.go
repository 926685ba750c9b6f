package secret

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// fields are the names under which storages hold the parts of a key: ours, and
// those of the documents that people and Devolutions Server write.
type fields struct {
	Login    string `json:"login"`
	Username string `json:"username"`
	Password string `json:"password"`

	PrivateKey string `json:"private_key"`
	Passphrase string `json:"passphrase"`

	PrivateKeyData       string `json:"privateKeyData"`
	PrivateKeyPassPhrase string `json:"privateKeyPassPhrase"`
}

// decode turns what a storage holds into what the store would have sealed: JSON
// for ssh and login_password, the text itself for string. A bare password or a
// bare private key will do. Editors and tools end files with a line feed; one is
// taken off a text. No error shows any of it.
func decode(kind store.KeyType, raw string) (string, error) {
	text := strings.TrimSuffix(strings.TrimSuffix(raw, "\n"), "\r")
	if kind == store.KeyNone {
		return "", nil
	}
	if text == "" {
		return "", errors.New("the secret is empty: fill it in where it lives")
	}
	switch kind {
	case store.KeyString:
		return text, nil
	case store.KeyLoginPassword:
		return decodeLogin(text)
	case store.KeySSH:
		return decodeSSH(text)
	default:
		return "", errors.New("the key is of an unknown type: choose ssh, login_password or string")
	}
}

func decodeLogin(text string) (string, error) {
	var f fields
	if !isObject(text, &f) {
		return encodeJSON(store.LoginPassword{Password: text})
	}
	if f.Login == "" {
		f.Login = f.Username
	}
	if f.Password == "" {
		return "", errors.New("the secret has no password: it has to be a password, or JSON with login and password")
	}
	return encodeJSON(store.LoginPassword{Login: f.Login, Password: f.Password})
}

func decodeSSH(text string) (string, error) {
	var f fields
	switch {
	case isObject(text, &f):
		if f.Login == "" {
			f.Login = f.Username
		}
		if f.PrivateKey == "" {
			f.PrivateKey = f.PrivateKeyData
		}
		if f.Passphrase == "" {
			f.Passphrase = f.PrivateKeyPassPhrase
		}
	case strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN "):
		f.PrivateKey = strings.TrimSpace(text) + "\n"
	}
	if f.PrivateKey == "" {
		return "", errors.New("the secret holds no ssh key: it has to be a private key, or JSON with login, passphrase and private_key")
	}
	return encodeJSON(store.SSHKey{Login: f.Login, Passphrase: f.Passphrase, PrivateKey: f.PrivateKey})
}

// isObject tells whether a text is a JSON object, and reads it. A password that
// begins with a brace but is no JSON is a password.
func isObject(text string, into *fields) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil || object == nil {
		return false
	}
	return json.Unmarshal([]byte(text), into) == nil
}

func encodeJSON(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

// encode is what is written for a key, "" where its wire form brings no secret.
func encode(key store.AccessKey) (string, error) {
	switch key.Type {
	case store.KeyNone:
		return "", nil
	case store.KeyString:
		return key.String, nil
	case store.KeyLoginPassword:
		if key.LoginPassword.Password == "" {
			if key.LoginPassword.Login != "" {
				return "", refuse("login_password.password", "is empty: give the password that belongs to the login")
			}
			return "", nil
		}
		return encodeJSON(key.LoginPassword)
	case store.KeySSH:
		if key.SSH.PrivateKey == "" {
			if key.SSH.Login != "" || key.SSH.Passphrase != "" {
				return "", refuse("ssh.private_key", "is empty: paste the private key")
			}
			return "", nil
		}
		if _, err := crypto.ParseSSHKey([]byte(key.SSH.PrivateKey), []byte(key.SSH.Passphrase)); err != nil {
			return "", refuse("ssh.private_key", "%v", err)
		}
		return encodeJSON(key.SSH)
	default:
		return "", refuse("type", "is %q: use ssh, login_password, string or none", key.Type)
	}
}
