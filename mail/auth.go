package mail

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// signIn signs in to a server by a method that it offers.
type signIn struct {
	method         Auth
	user, password string
	host           string
	local          func() bool // the connection stays on this machine

	chosen smtp.Auth
	sent   []string // what an error must not tell
}

// Start chooses the method. It refuses to go on where others could listen: what
// an unencrypted connection says about itself proves nothing.
func (a *signIn) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS && !a.local() {
		return "", nil, ErrUnencrypted
	}
	method, err := a.choose(server.Auth)
	if err != nil {
		return "", nil, err
	}
	switch method {
	case AuthPlain:
		a.chosen = smtp.PlainAuth("", a.user, a.password, server.Name, true)
	case AuthLogin:
		a.chosen = smtp.LoginAuth(a.user, a.password, server.Name, true)
	case AuthCramMD5:
		a.chosen = smtp.CRAMMD5Auth(a.user, a.password)
	default:
		a.chosen = smtp.XOAuth2Auth(a.user, a.password)
	}
	name, first, err := a.chosen.Start(server)
	a.remember(first)
	return name, first, err
}

// Next answers a challenge.
func (a *signIn) Next(challenge []byte, more bool) ([]byte, error) {
	answer, err := a.chosen.Next(challenge, more)
	if more {
		a.remember(answer)
	}
	return answer, err
}

// choose holds the method against what the server offers.
func (a *signIn) choose(offered []string) (Auth, error) {
	if len(offered) == 0 {
		return "", errors.New("server offers no way to sign in: leave the user name empty, or switch TLS on")
	}
	wanted := []Auth{a.method}
	if a.method == AuthAuto {
		wanted = []Auth{AuthPlain, AuthLogin, AuthCramMD5}
	}
	for _, method := range wanted {
		if slices.ContainsFunc(offered, func(o string) bool { return strings.EqualFold(o, string(method)) }) {
			return method, nil
		}
	}
	return "", fmt.Errorf("server does not offer to sign in by %s: it offers %s", a.method, strings.Join(offered, ", "))
}

func (a *signIn) remember(answer []byte) {
	if len(answer) > 0 {
		a.sent = append(a.sent, base64.StdEncoding.EncodeToString(answer))
	}
}

// scrub removes the password from a text, in every form that it was sent in.
func (a *signIn) scrub(text string) string {
	for _, secret := range append(a.sent, a.password) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, stars)
		}
	}
	return text
}
