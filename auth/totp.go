package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"image/png"
	"strings"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

const (
	qrSize         = 256 // pixels
	recoveryBytes  = 10  // 16 characters
	recoveryPrefix = "sha256."
)

// totpPlace is where the URL of a second factor is sealed.
func totpPlace(id int64) crypto.AD { return crypto.AD{Table: "totp", ID: id, Field: "url"} }

// EnrollTOTP gives a user a new second factor, which is active only once a code
// has confirmed it. URL, for the app, and RecoveryCode, if those are allowed,
// are in clear this once. One that was never confirmed is replaced. Errors are
// [ErrTOTPDisabled] and [ErrTOTPActive].
func (s *Service) EnrollTOTP(ctx context.Context, userID int64) (store.TOTP, error) {
	if !s.cfg.TOTP {
		return store.TOTP{}, ErrTOTPDisabled
	}
	var shown store.TOTP
	err := s.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		user, err := tx.Users().Get(ctx, 0, userID)
		if err != nil {
			return err
		}
		old, err := findTOTP(ctx, tx, userID)
		if err != nil {
			return err
		}
		if old != nil && old.Active {
			return ErrTOTPActive
		}
		if old != nil {
			if err := tx.Users().SecondFactors().Delete(ctx, userID, old.ID); err != nil {
				return err
			}
		}
		shown, err = s.createTOTP(ctx, tx, user)
		return err
	})
	if err != nil {
		return store.TOTP{}, fmt.Errorf("set up second factor: %w", err)
	}
	return shown, nil
}

func (s *Service) createTOTP(ctx context.Context, tx store.Store, user store.User) (store.TOTP, error) {
	account := user.Email
	if account == "" {
		account = user.Username
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: s.cfg.TOTPIssuer, AccountName: account})
	if err != nil {
		return store.TOTP{}, errors.New("make a secret for the app: the user needs a name or an address")
	}
	row := store.TOTP{UserID: user.ID, Created: s.now()}
	code := ""
	if s.cfg.AllowRecovery {
		code = newRecoveryCode()
		row.RecoveryHash = hashRecovery(code)
	}
	if row, err = tx.Users().SecondFactors().Create(ctx, row); err != nil {
		return store.TOTP{}, err
	}
	// The seal binds the id, which the row has only now.
	if row.URL, err = s.cfg.Ring.Seal([]byte(key.URL()), totpPlace(row.ID)); err != nil {
		return store.TOTP{}, err
	}
	if err := tx.Users().SecondFactors().Update(ctx, row); err != nil {
		return store.TOTP{}, err
	}
	row.URL, row.RecoveryCode = key.URL(), code
	return row, nil
}

// findTOTP returns the second factor of a user, nil for none.
func findTOTP(ctx context.Context, tx store.Store, userID int64) (*store.TOTP, error) {
	page, err := tx.Users().SecondFactors().List(ctx, userID, store.Query{Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("read second factor: %w", err)
	}
	if len(page.Items) == 0 {
		return nil, nil
	}
	return &page.Items[0], nil
}

func (s *Service) openTOTP(row store.TOTP) (*otp.Key, error) {
	url, err := s.cfg.Ring.Open(row.URL, totpPlace(row.ID))
	if err != nil {
		return nil, fmt.Errorf("open second factor: %w", err)
	}
	key, err := otp.NewKeyFromURL(string(url))
	if err != nil {
		return nil, errors.New("open second factor: it is no otpauth URL") // err would show it
	}
	return key, nil
}

// TOTPQR returns a picture for the app, a PNG of 256 x 256 pixels. It is
// [ErrShownOnce] once the second factor is active.
func (s *Service) TOTPQR(ctx context.Context, userID, totpID int64) ([]byte, error) {
	row, err := s.st.Users().SecondFactors().Get(ctx, userID, totpID)
	if err != nil {
		return nil, fmt.Errorf("read second factor: %w", err)
	}
	if row.Active {
		return nil, ErrShownOnce
	}
	key, err := s.openTOTP(row)
	if err != nil {
		return nil, err
	}
	picture, err := key.Image(qrSize, qrSize)
	if err != nil {
		return nil, errors.New("draw the code of the second factor: its URL is too long")
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("draw the code of the second factor: %w", err)
	}
	return b.Bytes(), nil
}

// DisableTOTP removes the second factor of a user and ends the sessions, but
// for the one that [NewContext] has put into ctx.
func (s *Service) DisableTOTP(ctx context.Context, userID, totpID int64) error {
	defer s.Forget(userID)
	return s.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		row, err := tx.Users().SecondFactors().Get(ctx, userID, totpID)
		if err != nil {
			return fmt.Errorf("disable second factor: %w", err)
		}
		if err := tx.Users().SecondFactors().Delete(ctx, userID, totpID); err != nil {
			return fmt.Errorf("disable second factor: %w", err)
		}
		if !row.Active {
			return nil // it has never protected anything
		}
		return endSessions(ctx, tx, userID, ownSession(ctx, userID))
	})
}

func newRecoveryCode() string {
	raw := make([]byte, recoveryBytes)
	_, _ = rand.Read(raw) // never fails: it ends the process instead
	return base32.StdEncoding.EncodeToString(raw)
}

// hashRecovery needs no slow hash: the code has 80 random bits.
func hashRecovery(code string) string {
	sum := sha256.Sum256([]byte(code))
	return recoveryPrefix + hex.EncodeToString(sum[:])
}

// isRecovery compares a code as people type it. Hashes of Semaphore UI are
// bcrypt's.
func isRecovery(hash, typed string) bool {
	code := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(typed))
	if hash == "" || code == "" || len(code) > maxPassword {
		return false
	}
	if strings.HasPrefix(hash, recoveryPrefix) {
		return crypto.Equal(hash, hashRecovery(code))
	}
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(code)) == nil
}
