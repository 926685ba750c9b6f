package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

const prefixLength = 8 // characters of a token that a list shows

// TokenOptions are what a new API token may do.
type TokenOptions struct {
	Name    string
	Scopes  []string   // Defaults to everything the user may do
	Expires *time.Time // Defaults to never
}

// NewToken makes an API token of a user. The token itself, 44 characters, is
// shown this once. It is recognised in upper case too.
func (s *Service) NewToken(ctx context.Context, userID int64, o TokenOptions) (token string, row store.APIToken, err error) {
	now := s.now()
	if o.Expires != nil && !o.Expires.After(now) {
		return "", row, fmt.Errorf("the token would be out of date already, choose a later time: %w", store.ErrInvalid)
	}
	// Lower case alone, which leaves over 200 bits: clients and proxies that change
	// the case of a header do no harm.
	token = strings.ToLower(crypto.Token(secretBytes))
	row, err = s.st.Users().Tokens().Create(ctx, store.APIToken{
		UserID: userID, Created: now, Prefix: token[:prefixLength], Hash: crypto.HashToken(token),
		Name: o.Name, Scopes: o.Scopes, Expires: o.Expires,
	})
	if err != nil {
		return "", store.APIToken{}, fmt.Errorf("create token: %w", err)
	}
	return token, row, nil
}

// Tokens lists the API tokens of a user.
func (s *Service) Tokens(ctx context.Context, userID int64) ([]store.APIToken, error) {
	page, err := s.st.Users().Tokens().List(ctx, userID, store.Query{Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return page.Items, nil
}

// DeleteToken removes the API token of a user that is given as a whole or by
// its first 8 characters. Errors are store.ErrNotFound, and store.ErrConflict
// for characters that begin several tokens.
func (s *Service) DeleteToken(ctx context.Context, userID int64, idOrPrefix string) error {
	defer s.Forget(userID)
	tokens, err := s.Tokens(ctx, userID)
	if err != nil {
		return err
	}
	found := chooseTokens(tokens, idOrPrefix)
	switch len(found) {
	case 0:
		return fmt.Errorf("delete token: %w", store.ErrNotFound)
	case 1:
		return ignoreMissing(s.st.Users().Tokens().Delete(ctx, userID, found[0].ID))
	}
	return fmt.Errorf("several tokens begin so, give the whole token: %w", store.ErrConflict)
}

// chooseTokens prefers the token itself, then its beginning, then that in
// another case.
func chooseTokens(tokens []store.APIToken, text string) []store.APIToken {
	begin := text[:min(len(text), prefixLength)]
	for _, is := range []func(store.APIToken) bool{
		func(t store.APIToken) bool { return isToken(t, text) },
		func(t store.APIToken) bool { return len(begin) == prefixLength && t.Prefix == begin },
		func(t store.APIToken) bool { return len(begin) == prefixLength && strings.EqualFold(t.Prefix, begin) },
	} {
		var found []store.APIToken
		for _, t := range tokens {
			if is(t) {
				found = append(found, t)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func isToken(t store.APIToken, text string) bool {
	for _, hash := range tokenHashes(text) {
		if crypto.Equal(t.Hash, hash) {
			return true
		}
	}
	return false
}

// tokenHashes are the ways a token may be stored: as it is, or in lower case, as
// Semaphore UI has it.
func tokenHashes(token string) []string {
	hashes := []string{crypto.HashToken(token)}
	if lower := strings.ToLower(token); lower != token {
		hashes = append(hashes, crypto.HashToken(lower))
	}
	return hashes
}

func (s *Service) findToken(ctx context.Context, token string) (store.APIToken, error) {
	if len(token) > maxAPIToken {
		return store.APIToken{}, ErrUnauthenticated
	}
	hashes := tokenHashes(token)
	page, err := s.st.Users().Tokens().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"hash": hashes}, Limit: len(hashes)})
	if err != nil {
		return store.APIToken{}, fmt.Errorf("find token: %w", err)
	}
	for _, hash := range hashes {
		for _, row := range page.Items {
			if row.Hash == hash {
				return row, nil
			}
		}
	}
	return store.APIToken{}, ErrUnauthenticated
}

// ignoreMissing takes what is gone for removed.
func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
