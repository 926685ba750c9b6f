package mailtest

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // CRAM-MD5 is made of it
	"encoding/base64"
	"encoding/hex"
)

const challenge = "<1.2@mail.test>"

// methods tell for each method what the server says next, given all that the
// client has said, or whether it is let in.
var methods = map[string]func(o Options, said [][]byte) (next string, done, ok bool){
	"PLAIN": func(o Options, said [][]byte) (string, bool, bool) {
		if len(said) == 0 {
			return "", false, false
		}
		return "", true, string(said[0]) == "\x00"+o.User+"\x00"+o.Password
	},
	"LOGIN": func(o Options, said [][]byte) (string, bool, bool) {
		switch len(said) {
		case 0:
			return "Username:", false, false
		case 1:
			return "Password:", false, false
		}
		return "", true, string(said[0]) == o.User && string(said[1]) == o.Password
	},
	"CRAM-MD5": func(o Options, said [][]byte) (string, bool, bool) {
		if len(said) == 0 {
			return challenge, false, false
		}
		sum := hmac.New(md5.New, []byte(o.Password))
		sum.Write([]byte(challenge))
		return "", true, string(said[0]) == o.User+" "+hex.EncodeToString(sum.Sum(nil))
	},
	"XOAUTH2": func(o Options, said [][]byte) (string, bool, bool) {
		if len(said) == 0 {
			return "", false, false
		}
		return "", true, string(said[0]) == "user="+o.User+"\x01auth=Bearer "+o.Password+"\x01\x01"
	},
}

// exchange is one try to sign in.
type exchange struct {
	session *session
	method  string
	step    func(o Options, said [][]byte) (string, bool, bool)
	said    [][]byte
}

// Next takes what the client says.
func (e *exchange) Next(response []byte) ([]byte, bool, error) {
	if response != nil {
		e.said = append(e.said, response)
	}
	next, done, ok := e.step(e.session.server.options, e.said)
	if !done {
		return []byte(next), false, nil
	}
	if !ok {
		var said []string
		for _, s := range e.said {
			said = append(said, base64.StdEncoding.EncodeToString(s), string(s))
		}
		return nil, false, e.session.deny(said)
	}
	e.session.signed = e.method
	return nil, true, nil
}
