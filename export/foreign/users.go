package foreign

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

func (r *reader) readUsers() error {
	names, mails := map[string]bool{}, map[string]bool{}
	return r.walk("user", "user", func(it *item) {
		it.note.Name = it.text("username")
		if !it.numbered("user") {
			return
		}
		u := store.User{
			ID: it.note.ID, Created: it.created(), Username: it.text("username"), Name: it.text("name"), Email: it.text("email"),
			Admin: it.flag("admin"), External: it.flag("external"), Alert: it.flag("alert"), Pro: it.flag("pro"), Password: it.text("password"),
		}
		u.Username = it.unique("username", u.Username, fmt.Sprintf("user-%d", u.ID), names)
		u.Email = it.unique("email", u.Email, fmt.Sprintf("user-%d@invalid", u.ID), mails)
		if u.Name == "" {
			u.Name = u.Username
		}
		if _, err := bcrypt.Cost([]byte(u.Password)); err != nil && u.Password != "" {
			u.Password = ""
			it.change("password", "is no hash that can be checked: the user needs a new one")
		}
		if !u.External && u.Password == "" {
			it.change("password", "there is none: the user cannot sign in before one is set")
		}
		r.register("user", u.ID, 0)
		r.users[u.ID] = true
		r.rows.Users = append(r.rows.Users, u)
	})
}

// unique is a value that no other row has, whatever the case of its letters; the
// second one of two gets another value.
func (it *item) unique(field, value, instead string, taken map[string]bool) string {
	if value == "" || taken[strings.ToLower(value)] {
		for taken[instead] {
			instead += "x"
		}
		if value == "" {
			it.change(field, "was empty: it is %s", instead)
		} else {
			it.change(field, "was %s, which another row has in other letters or as it is: it is %s", value, instead)
		}
		value = instead
	}
	taken[strings.ToLower(value)] = true
	return value
}

// tokenPrefix is how much of a token lists show.
const tokenPrefix = 8

func (r *reader) readTokens() error {
	taken := map[string]bool{}
	return r.walk("user__token", "token", func(it *item) {
		secret := it.text("id")
		it.note = Note{Name: secret[:min(tokenPrefix, len(secret)/4)]}
		user := it.number("user_id")
		hash := crypto.HashToken(secret)
		switch {
		case len(secret) < 16:
			it.refuse("is too short to be a token")
		case !r.users[user]:
			it.refuse("belongs to user %d, who does not exist", user)
		case taken[strings.ToLower(hash)]:
			it.refuse("is there twice")
		default:
			taken[strings.ToLower(hash)] = true
			id := r.fresh("token")
			r.rows.Tokens = append(r.rows.Tokens, store.APIToken{
				ID: id, UserID: user, Created: it.created(), Expired: it.flag("expired"),
				Prefix: secret[:tokenPrefix], Hash: hash, Scopes: []string{},
			})
		}
	})
}

func (r *reader) readSecondFactors() error {
	taken := map[int64]bool{}
	return r.walk("user__totp", "second_factor", func(it *item) {
		user, address := it.number("user_id"), it.text("url")
		it.note.Name = ""
		if !it.numbered("user__totp") {
			return
		}
		switch {
		case !r.users[user]:
			it.refuse("belongs to user %d, who does not exist", user)
			return
		case taken[user]:
			it.refuse("user %d has another one", user)
			return
		case !strings.HasPrefix(address, "otpauth://totp/") || !strings.Contains(address, "secret="):
			it.refuse("is none that codes can be checked with: user %d signs in without one and has to set it up anew", user)
			return
		}
		taken[user] = true
		r.register("user__totp", it.note.ID, 0)
		r.rows.urls[it.note.ID] = address
		r.rows.SecondFactors = append(r.rows.SecondFactors, store.TOTP{
			ID: it.note.ID, Created: it.created(), UserID: user, RecoveryHash: it.text("recovery_hash"), Active: true,
		})
	})
}

func (r *reader) readOptions() error {
	return r.walk("option", "option", func(it *item) {
		key := it.text("key")
		it.note = Note{Name: key}
		for _, ours := range []string{store.NodeOptions, "auth.", markerPrefix} {
			// What this project notes about itself must not come from outside.
			if strings.HasPrefix(key, ours) && !strings.HasPrefix(key, "auth.totp.") && !strings.HasPrefix(key, "auth.email.") {
				it.refuse("names beginning with %s are this server's own", ours)
				return
			}
		}
		_, twice := r.rows.Options[key]
		switch value := it.text("value"); {
		case key == "" || twice:
			it.refuse("has no name of its own")
		case value == "":
			it.refuse("is empty, which is the same as none")
		default:
			r.rows.Options[key] = value
		}
	})
}
