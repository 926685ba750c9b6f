package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// boundOption begins the names of options that bind an account to an issuer and
// a subject; the value is the user's id.
const boundOption = "auth.identity."

func (s *Service) signInExternal(ctx context.Context, c Client, ext External, by way) (SignedIn, error) {
	ext.Username = strings.ToLower(strings.TrimSpace(ext.Username))
	ext.Name, ext.Email = strings.TrimSpace(ext.Name), strings.TrimSpace(ext.Email)
	if ext.EmailVerified != nil && !*ext.EmailVerified {
		return SignedIn{}, fmt.Errorf("%w: its address is not verified", ErrExternal)
	}
	grants, err := s.grants(ctx, ext)
	if err != nil {
		return SignedIn{}, err
	}
	var user store.User
	err = s.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		if user, err = s.account(ctx, tx, ext); err != nil {
			return err
		}
		user, err = s.apply(ctx, tx, user, grants)
		return err
	})
	if errors.Is(err, store.ErrConflict) {
		return SignedIn{}, fmt.Errorf("%w: another account has its name or address", ErrExternal)
	}
	if err != nil {
		return SignedIn{}, err
	}
	s.Forget(user.ID)
	in, err := s.open(ctx, c, user, by)
	if errors.Is(err, ErrCredentials) || errors.Is(err, store.ErrMoved) {
		return SignedIn{}, fmt.Errorf("%w: it was changed meanwhile", ErrExternal)
	}
	return in, err
}

// account finds or makes the account and binds it.
func (s *Service) account(ctx context.Context, tx store.Store, ext External) (store.User, error) {
	options, err := tx.Options().All(ctx)
	if err != nil {
		return store.User{}, fmt.Errorf("read bound accounts: %w", err)
	}
	user, err := findAccount(ctx, tx, ext, options)
	switch {
	case err != nil:
		return store.User{}, err
	case user == nil && (ext.Username == "" || ext.Email == ""):
		return store.User{}, fmt.Errorf("%w: the provider tells no name or no address", ErrExternal)
	case user == nil:
		if ext.Name == "" {
			ext.Name = ext.Username
		}
		created, err := tx.Users().Create(ctx, store.User{
			Created: s.now(), Username: ext.Username, Name: ext.Name, Email: ext.Email, External: true, Pro: true,
		})
		if err != nil {
			return store.User{}, fmt.Errorf("create account: %w", err)
		}
		user = &created
	case !user.External:
		return store.User{}, fmt.Errorf("%w: a local account has its name or address", ErrExternal)
	}
	return *user, bind(ctx, tx, ext, *user, options)
}

// findAccount returns nil where there is none yet.
func findAccount(ctx context.Context, tx store.Store, ext External, options map[string]string) (*store.User, error) {
	if name := boundName(ext); name != "" && options[name] != "" {
		id, err := strconv.ParseInt(options[name], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("option %s is no id of a user: delete it", name)
		}
		user, err := tx.Users().Get(ctx, 0, id)
		if err == nil {
			return &user, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("read account: %w", err)
		}
	}
	return byNames(ctx, tx, ext)
}

// byNames looks for the name, where it may be trusted, and for the address.
func byNames(ctx context.Context, tx store.Store, ext External) (*store.User, error) {
	logins := []string{ext.Email}
	if ext.TrustUsername {
		logins = []string{ext.Username, ext.Email}
	}
	for i, login := range logins {
		user, err := tx.Users().ByLogin(ctx, login)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find account: %w", err)
		}
		same := user.Email
		if ext.TrustUsername && i == 0 {
			same = user.Username
		}
		if !strings.EqualFold(same, login) {
			return nil, fmt.Errorf("%w: another account uses its address as a name", ErrExternal)
		}
		return &user, nil
	}
	return nil, nil
}

// bind notes whose account it is. One that is somebody else's at the same
// issuer is refused.
func bind(ctx context.Context, tx store.Store, ext External, user store.User, options map[string]string) error {
	name := boundName(ext)
	if name == "" {
		return nil
	}
	id := strconv.FormatInt(user.ID, 10)
	if options[name] == id {
		return nil
	}
	issuer := name[:strings.LastIndexByte(name, '.')+1]
	for other, owner := range options {
		if owner == id && strings.HasPrefix(other, issuer) {
			return fmt.Errorf("%w: it belongs to another person at the provider", ErrExternal)
		}
	}
	if err := tx.Options().Set(ctx, name, id); err != nil {
		return fmt.Errorf("bind account: %w", err)
	}
	return nil
}

// boundName is the name of the option, "" where the provider has no such thing.
func boundName(ext External) string {
	if ext.Issuer == "" || ext.Subject == "" {
		return ""
	}
	issuer, subject := sha256.Sum256([]byte(ext.Issuer)), sha256.Sum256([]byte(ext.Subject))
	return boundOption + hex.EncodeToString(issuer[:8]) + "." + hex.EncodeToString(subject[:])
}
