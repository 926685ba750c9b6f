package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/alexandervashurin/semaphore/store"
)

// method is the second factor that a new session needs.
func (s *Service) method(ctx context.Context, tx store.Store, user store.User, by way) (store.VerificationMethod, error) {
	if s.cfg.TOTP {
		row, err := findTOTP(ctx, tx, user.ID)
		if err != nil {
			return store.VerifyNone, err
		}
		if row != nil && row.Active {
			return store.VerifyTOTP, nil
		}
	}
	if s.cfg.EmailOTP && by == byPassword && user.Email != "" {
		return store.VerifyEmail, nil
	}
	return store.VerifyNone, nil
}

// Verify gives the code that a session waits for. Of somebody who is signed in
// it confirms a new second factor, as [Service.ConfirmTOTP] does. Each code
// counts once.
//
// Errors are [ErrCode], [ErrTOTPDisabled], [ErrNothingToVerify] and
// *[LimitError] after 5 wrong codes of a user in 15 minutes.
func (s *Service) Verify(ctx context.Context, id *Identity, passcode string) error {
	if id == nil || id.Session == nil {
		return ErrNothingToVerify
	}
	switch {
	case id.Session.Verified:
		return s.confirmAny(NewContext(ctx, id), id.User, passcode)
	case id.Session.VerificationMethod == store.VerifyTOTP && !s.cfg.TOTP:
		return ErrTOTPDisabled
	}
	err := s.tryCode(ctx, id.User, ErrCode, nil, func(ctx context.Context, tx store.Store) error {
		if err := s.spend(ctx, tx, id, passcode); err != nil {
			return err
		}
		return setVerified(ctx, tx, id)
	})
	if err == nil {
		id.Session.Verified = true
	}
	return err
}

// spend uses up a code of the kind that the session asks for.
func (s *Service) spend(ctx context.Context, tx store.Store, id *Identity, passcode string) error {
	switch id.Session.VerificationMethod {
	case store.VerifyTOTP:
		row, err := findTOTP(ctx, tx, id.User.ID)
		if err != nil {
			return err
		}
		if row == nil || !row.Active {
			return ErrCode
		}
		return s.spendTOTP(ctx, tx, *row, passcode)
	case store.VerifyEmail:
		return spendEmailCode(ctx, tx, id.User.ID, passcode, s.now())
	}
	return ErrNothingToVerify
}

// spendTOTP marks the time step of a code as used, in the transaction that it
// has proven something for.
func (s *Service) spendTOTP(ctx context.Context, tx store.Store, row store.TOTP, passcode string) error {
	key, err := s.openTOTP(row)
	if err != nil {
		return err
	}
	step, ok := acceptCode(key, passcode, s.now(), row.LastStep)
	if !ok {
		return ErrCode
	}
	row.LastStep, row.Active = step, true
	if err := tx.Users().SecondFactors().Update(ctx, row); err != nil {
		return fmt.Errorf("use passcode: %w", err)
	}
	return nil
}

func setVerified(ctx context.Context, tx store.Store, id *Identity) error {
	row, err := tx.Users().Sessions().Get(ctx, id.User.ID, id.Session.ID)
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnauthenticated
	}
	if err != nil {
		return fmt.Errorf("verify session: %w", err)
	}
	row.Verified = true
	if err := tx.Users().Sessions().Update(ctx, row); err != nil {
		return fmt.Errorf("verify session: %w", err)
	}
	return nil
}

// tryCode runs check, if there is one, and f in a transaction, as one of the
// few tries that may fail with wrong.
func (s *Service) tryCode(ctx context.Context, user store.User, wrong error, check func() error, f func(ctx context.Context, tx store.Store) error) error {
	key := "user " + strconv.FormatInt(user.ID, 10)
	end, err := s.begin(ctx, s.codes, user.Username, &user, quota{key: key, max: codeTries})
	if err != nil {
		return err
	}
	failed := true // a panic counts too
	defer func() { end(failed) }()
	if check != nil {
		err = check()
	}
	if err == nil {
		err = s.st.InTx(ctx, f)
	}
	failed = errors.Is(err, wrong)
	if err == nil {
		s.codes.reset(key)
		s.Forget(user.ID)
	}
	return err
}

// ConfirmTOTP makes a second factor active: a code proves that the app has it.
// That ends the sessions of the user, but for the one that [NewContext] has put
// into ctx. Errors are [ErrCode], [ErrTOTPDisabled], [ErrTOTPActive],
// store.ErrNotFound and *[LimitError].
func (s *Service) ConfirmTOTP(ctx context.Context, userID, totpID int64, passcode string) error {
	if !s.cfg.TOTP {
		return ErrTOTPDisabled
	}
	user, err := s.st.Users().Get(ctx, 0, userID)
	if err != nil {
		return fmt.Errorf("confirm second factor: %w", err)
	}
	return s.tryCode(ctx, user, ErrCode, nil, func(ctx context.Context, tx store.Store) error {
		row, err := tx.Users().SecondFactors().Get(ctx, userID, totpID)
		if err != nil {
			return fmt.Errorf("confirm second factor: %w", err)
		}
		if row.Active {
			return ErrTOTPActive
		}
		if err := s.spendTOTP(ctx, tx, row, passcode); err != nil {
			return err
		}
		return endSessions(ctx, tx, userID, ownSession(ctx, userID))
	})
}

// confirmAny confirms the second factor that waits for it.
func (s *Service) confirmAny(ctx context.Context, user store.User, passcode string) error {
	row, err := findTOTP(ctx, s.st, user.ID)
	if err != nil {
		return err
	}
	if row == nil || row.Active || !s.cfg.TOTP {
		return ErrNothingToVerify
	}
	return s.ConfirmTOTP(ctx, user.ID, row.ID, passcode)
}

// Recover gives the recovery code in place of the second factor, which is
// removed by that, and ends all other sessions. Errors are [ErrRecoveryCode],
// [ErrNoTOTP], [ErrTOTPDisabled] and *[LimitError].
func (s *Service) Recover(ctx context.Context, id *Identity, code string) error {
	if !s.cfg.TOTP || !s.cfg.AllowRecovery {
		return ErrTOTPDisabled
	}
	if id == nil || id.Session == nil {
		return ErrNoTOTP
	}
	row, err := findTOTP(ctx, s.st, id.User.ID)
	if err != nil {
		return err
	}
	if row == nil || !row.Active {
		return ErrNoTOTP
	}
	err = s.tryCode(ctx, id.User, ErrRecoveryCode, func() error {
		// Not in the transaction: an old hash takes its time.
		if !isRecovery(row.RecoveryHash, code) {
			return ErrRecoveryCode
		}
		return nil
	}, func(ctx context.Context, tx store.Store) error {
		// It can be used once: who comes second finds no row.
		err := tx.Users().SecondFactors().Delete(ctx, id.User.ID, row.ID)
		if errors.Is(err, store.ErrNotFound) {
			return ErrRecoveryCode
		}
		if err != nil {
			return fmt.Errorf("remove second factor: %w", err)
		}
		if err := setVerified(ctx, tx, id); err != nil {
			return err
		}
		return endSessions(ctx, tx, id.User.ID, id.Session.ID)
	})
	if err == nil {
		id.Session.Verified = true
	}
	return err
}
