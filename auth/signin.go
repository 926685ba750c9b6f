package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

const (
	maxLogin = 255 // characters; no account has a longer name
	// unlockOption and a login in lower case name the option that holds, in Unix
	// seconds, up to when failed tries of that account do not count.
	unlockOption = "auth.unlock."
)

// UnlockOption names the option of the store that unlocks an account: set it to
// the time in Unix seconds, and failed tries up to then do not count.
func UnlockOption(login string) string { return unlockOption + strings.ToLower(login) }

// SignIn checks a login, the name or address of an account, and opens a
// session. The Directory is asked first, then our own accounts. An account with
// a second factor gets a session that still needs it, see [Service.Verify].
//
// Errors are [ErrCredentials] for whatever is wrong, *[LimitError], and those
// of the store.
func (s *Service) SignIn(ctx context.Context, c Client, login, password string) (SignedIn, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	user, err := s.byLogin(ctx, login)
	if err != nil {
		return SignedIn{}, err
	}
	account := "login " + login
	if len(login) > maxLogin {
		account = "login"
	}
	if user != nil {
		account = "user " + strconv.FormatInt(user.ID, 10) // its name and its address share one count
	}
	net := network(c.IP)
	byAccount := quota{key: account + " " + net, max: accountTries}
	end, err := s.begin(ctx, s.logins, login, user, byAccount, quota{key: net, max: networkTries})
	if err != nil {
		return SignedIn{}, err
	}
	failed := true // a panic counts too
	defer func() { end(failed) }()
	in, err := s.check(ctx, c, login, password, user)
	failed = errors.Is(err, ErrCredentials)
	if err == nil {
		s.logins.reset(byAccount.key)
	}
	return in, err
}

// byLogin finds an account; nil for none.
func (s *Service) byLogin(ctx context.Context, login string) (*store.User, error) {
	if login == "" || len(login) > maxLogin {
		return nil, nil
	}
	user, err := s.st.Users().ByLogin(ctx, login)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find account: %w", err)
	}
	return &user, nil
}

// begin starts a try. Only who is about to be refused makes it look whether
// somebody has unlocked the account.
func (s *Service) begin(ctx context.Context, l *limiter, login string, user *store.User, quotas ...quota) (func(bool), error) {
	end, err := l.begin(ctx, time.Time{}, quotas...)
	if limit := (*LimitError)(nil); errors.As(err, &limit) {
		since, unlockErr := s.unlocked(ctx, login, user)
		if unlockErr != nil {
			return nil, unlockErr
		}
		if since.IsZero() {
			return nil, err
		}
		return l.begin(ctx, since, quotas...)
	}
	return end, err
}

// unlocked tells up to when failed tries do not count.
func (s *Service) unlocked(ctx context.Context, login string, user *store.User) (time.Time, error) {
	options, err := s.st.Options().All(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read options: %w", err)
	}
	names := []string{login}
	if user != nil {
		names = append(names, user.Username, user.Email)
	}
	var latest int64
	for _, name := range names {
		if at, err := strconv.ParseInt(options[UnlockOption(name)], 10, 64); err == nil {
			latest = max(latest, at)
		}
	}
	if latest <= 0 {
		return time.Time{}, nil
	}
	return time.Unix(latest, 0), nil
}

// check tries the Directory and our own accounts.
func (s *Service) check(ctx context.Context, c Client, login, password string, user *store.User) (SignedIn, error) {
	if s.cfg.Directory != nil && login != "" && len(login) <= maxLogin && password != "" {
		in, err := s.fromDirectory(ctx, c, login, password)
		if err != nil {
			return SignedIn{}, err
		}
		if in != nil {
			return *in, nil
		}
	}
	return s.fromAccount(ctx, c, password, user)
}

// fromAccount checks the password of a local account, again if it changes
// meanwhile.
func (s *Service) fromAccount(ctx context.Context, c Client, password string, user *store.User) (SignedIn, error) {
	for {
		local := user
		if user != nil && (user.External || s.cfg.PasswordLoginDisabled) {
			local = nil
		}
		if err := s.compare(ctx, local, password); err != nil {
			return SignedIn{}, err
		}
		checked := *local
		checked.Password = s.rehash(ctx, checked, password)
		in, err := s.open(ctx, c, checked, byPassword)
		if !errors.Is(err, store.ErrMoved) {
			return in, err
		}
		row, err := s.user(ctx, checked.ID)
		if errors.Is(err, ErrUnauthenticated) {
			return SignedIn{}, ErrCredentials
		}
		if err != nil {
			return SignedIn{}, err
		}
		user = &row
	}
}

// fromDirectory returns neither where our own accounts are to be tried: a fault
// of a directory never keeps them out.
func (s *Service) fromDirectory(ctx context.Context, c Client, login, password string) (*SignedIn, error) {
	ext, err := s.cfg.Directory.SignIn(ctx, login, password)
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "directory did not sign in", "error", err)
		return nil, nil
	}
	if ext == nil {
		return nil, nil
	}
	known := *ext
	known.TrustUsername = true // the directory itself has checked the password for it
	in, err := s.signInExternal(ctx, c, known, byPassword)
	if errors.Is(err, ErrExternal) {
		s.cfg.Log.WarnContext(ctx, "account of the directory refused", "source", ext.Source, "error", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &in, nil
}
