package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/store"
)

const maxPassword = 72 // bytes that bcrypt looks at

// HashPassword returns what is stored of a password. Errors are
// [ErrPasswordShort] and [ErrPasswordLong], whose texts are for the user.
func (s *Service) HashPassword(password string) (string, error) {
	if utf8.RuneCountInString(password) < s.cfg.MinPassword {
		return "", &PasswordLengthError{Min: s.cfg.MinPassword}
	}
	if len(password) > maxPassword {
		return "", ErrPasswordLong
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), s.cfg.BcryptCost)
	if err != nil {
		return "", errors.New("hash password: bcrypt refuses it")
	}
	return string(hash), nil
}

// SetPassword stores a new password and ends the sessions of the user, but for
// the one that [NewContext] has put into ctx. It works inside tx; call
// [Service.Forget] once that is committed. With a nil tx it has a transaction
// of its own and does the rest too.
func (s *Service) SetPassword(ctx context.Context, tx store.Store, userID int64, password string) error {
	hash, err := s.HashPassword(password)
	if err != nil {
		return err
	}
	set := func(ctx context.Context, tx store.Store) error {
		user, err := tx.Users().Get(ctx, 0, userID)
		if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		user.Password = hash
		if err := tx.Users().Update(ctx, user); err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		return endSessions(ctx, tx, userID, ownSession(ctx, userID))
	}
	defer s.Forget(userID)
	if tx != nil {
		return set(ctx, tx)
	}
	return s.st.InTx(ctx, set)
}

// CheckPassword tells whether that is the password of a local account, however
// old the given row is. Errors are [ErrCredentials], also for accounts without
// one, and *[LimitError].
func (s *Service) CheckPassword(ctx context.Context, user store.User, password string) error {
	row, err := s.st.Users().Get(ctx, 0, user.ID)
	if err != nil {
		return fmt.Errorf("check password: %w", err)
	}
	key := "password " + strconv.FormatInt(row.ID, 10)
	end, err := s.begin(ctx, s.logins, row.Username, &row, quota{key: key, max: accountTries})
	if err != nil {
		return err
	}
	failed := true // a panic counts too
	defer func() { end(failed) }()
	local := &row
	if row.External {
		local = nil
	}
	err = s.compare(ctx, local, password)
	failed = errors.Is(err, ErrCredentials)
	if err == nil {
		s.logins.reset(key)
	}
	return err
}

// compare costs one hash, also for nobody (nil) and for what cannot be right.
func (s *Service) compare(ctx context.Context, user *store.User, password string) error {
	hash := s.dummy
	if user != nil && user.Password != "" {
		hash = []byte(user.Password)
	}
	release, err := s.hashSlot(ctx)
	if err != nil {
		return err
	}
	defer release()
	known := bcrypt.CompareHashAndPassword(hash, []byte(password[:min(len(password), maxPassword)])) == nil
	if !known || user == nil || user.Password == "" || len(password) > maxPassword {
		return ErrCredentials
	}
	return nil
}

// nobodysHash is a hash that no password is known for, and that takes as long to
// compare with as others of that cost.
func nobodysHash(cost int) []byte {
	raw := make([]byte, 40) // 53 characters: a salt of 22, the hash of 31
	_, _ = rand.Read(raw)   // never fails: it ends the process instead
	text := strings.NewReplacer("-", ".", "_", "/").Replace(base64.RawURLEncoding.EncodeToString(raw))
	return fmt.Appendf(nil, "$2a$%02d$%s", cost, text[:53])
}

// hashSlot waits until a processor is free for bcrypt.
func (s *Service) hashSlot(ctx context.Context) (release func(), err error) {
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// rehash renews a hash of a lower cost and returns the one that is stored then.
// That it could not is no reason to keep anybody out.
func (s *Service) rehash(ctx context.Context, user store.User, password string) string {
	cost, err := bcrypt.Cost([]byte(user.Password))
	if err != nil || cost >= s.cfg.BcryptCost {
		return user.Password
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), s.cfg.BcryptCost)
	if err == nil {
		err = s.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
			row, err := tx.Users().Get(ctx, 0, user.ID)
			if err != nil {
				return err
			}
			if row.Password != user.Password {
				return store.ErrMoved
			}
			row.Password = string(hash)
			return tx.Users().Update(ctx, row)
		})
	}
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "password hash not renewed", "user_id", user.ID, "error", err)
		return user.Password
	}
	return string(hash)
}
