package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

const (
	emailCodeLife   = 10 * time.Minute
	emailCodeDigits = 6
)

// newEmailCode replaces the one-time codes of a user by a new one.
func newEmailCode(ctx context.Context, tx store.Store, userID int64, now time.Time) (string, error) {
	if err := deleteEmailCodes(ctx, tx, userID); err != nil {
		return "", err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	code := fmt.Sprintf("%0*d", emailCodeDigits, n)
	hash := hashRecovery(fmt.Sprintf("%d %s", userID, code))
	if _, err := tx.Users().OneTimeCodes().Create(ctx, store.EmailOTP{UserID: userID, Created: now, Code: hash}); err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	return code, nil
}

// spendEmailCode uses a code up.
func spendEmailCode(ctx context.Context, tx store.Store, userID int64, typed string, now time.Time) error {
	page, err := tx.Users().OneTimeCodes().List(ctx, userID, store.Query{Limit: -1})
	if err != nil {
		return fmt.Errorf("read code: %w", err)
	}
	hash := hashRecovery(fmt.Sprintf("%d %s", userID, strings.TrimSpace(typed)))
	for _, row := range page.Items {
		if now.Sub(row.Created) < emailCodeLife && crypto.Equal(row.Code, hash) {
			return deleteEmailCodes(ctx, tx, userID)
		}
	}
	return ErrCode
}

func deleteEmailCodes(ctx context.Context, tx store.Store, userID int64) error {
	page, err := tx.Users().OneTimeCodes().List(ctx, userID, store.Query{Limit: -1})
	if err != nil {
		return fmt.Errorf("remove codes: %w", err)
	}
	for _, row := range page.Items {
		if err := tx.Users().OneTimeCodes().Delete(ctx, userID, row.ID); err != nil {
			return fmt.Errorf("remove codes: %w", err)
		}
	}
	return nil
}
