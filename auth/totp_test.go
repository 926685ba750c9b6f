package auth_test

import (
	"bytes"
	"errors"
	"image/png"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

var withTOTP = auth.Config{TOTP: true, AllowRecovery: true}

// code is what the app shows now.
func (w *world) code(t *testing.T, url string) string {
	t.Helper()
	key, err := otp.NewKeyFromURL(url)
	require.NoError(t, err)
	code, err := totp.GenerateCode(key.Secret(), w.clock.now())
	require.NoError(t, err)
	return code
}

// wrong is another code than those that would be accepted.
func (w *world) wrong(t *testing.T, url string) string {
	t.Helper()
	key, err := otp.NewKeyFromURL(url)
	require.NoError(t, err)
	for _, code := range []string{"000000", "111111", "222222", "333333"} {
		if ok, err := totp.ValidateCustom(code, key.Secret(), w.clock.now(), totp.ValidateOpts{Skew: 2, Digits: otp.DigitsSix}); err == nil && !ok {
			return code
		}
	}
	panic("four codes that are right")
}

// enrolled gives alice an active second factor; the next code is a fresh one.
func (w *world) enrolled(t *testing.T) store.TOTP {
	t.Helper()
	row, err := w.EnrollTOTP(t.Context(), w.alice.ID)
	require.NoError(t, err)
	require.NoError(t, w.ConfirmTOTP(t.Context(), w.alice.ID, row.ID, w.code(t, row.URL)))
	w.clock.add(30 * time.Second)
	return row
}

// pending signs in and returns who waits for a second factor.
func (w *world) pending(t *testing.T) (*auth.Identity, auth.SignedIn) {
	t.Helper()
	in := w.signIn(t)
	_, err := authenticated(t, w.Service, withCookie(in.Cookie))
	var missing *auth.PendingError
	require.ErrorAs(t, err, &missing)
	require.False(t, in.Session.Verified)
	return missing.Identity, in
}

func TestASecondFactorIsActiveOnceACodeConfirmsIt(t *testing.T) {
	t.Parallel()
	onStores(t, withTOTP, func(t *testing.T, w *world) {
		first, err := w.EnrollTOTP(t.Context(), w.alice.ID)
		require.NoError(t, err)
		require.Len(t, first.RecoveryCode, 16)
		require.Contains(t, first.URL, "otpauth://totp/Semaphore:alice@example.com")
		require.True(t, w.signIn(t).Session.Verified, "one that is not confirmed is not asked for")

		row, err := w.EnrollTOTP(t.Context(), w.alice.ID)
		require.NoError(t, err)
		require.NotEqual(t, first.URL, row.URL, "it replaces the one that was never confirmed")
		stored, err := w.st.Users().SecondFactors().Get(t.Context(), w.alice.ID, row.ID)
		require.NoError(t, err)
		require.NotContains(t, stored.URL, "otpauth", "it is sealed")
		plain, err := w.ring.Open(stored.URL, crypto.AD{Table: "totp", ID: row.ID, Field: "url"})
		require.NoError(t, err)
		require.Equal(t, row.URL, string(plain))
		require.NotContains(t, stored.RecoveryHash, row.RecoveryCode)

		picture, err := w.TOTPQR(t.Context(), w.alice.ID, row.ID)
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(picture))
		require.NoError(t, err)
		require.Equal(t, []int{256, 256}, []int{img.Bounds().Dx(), img.Bounds().Dy()})
		_, err = w.TOTPQR(t.Context(), w.alice.ID+1, row.ID)
		require.ErrorIs(t, err, store.ErrNotFound, "somebody else's")

		require.ErrorIs(t, w.ConfirmTOTP(t.Context(), w.alice.ID, row.ID, w.wrong(t, row.URL)), auth.ErrCode)
		require.ErrorIs(t, w.ConfirmTOTP(t.Context(), w.alice.ID, row.ID+7, w.code(t, row.URL)), store.ErrNotFound)
		require.NoError(t, w.ConfirmTOTP(t.Context(), w.alice.ID, row.ID, w.code(t, row.URL)))
		require.ErrorIs(t, w.ConfirmTOTP(t.Context(), w.alice.ID, row.ID, w.code(t, row.URL)), auth.ErrTOTPActive)
		_, err = w.TOTPQR(t.Context(), w.alice.ID, row.ID)
		require.ErrorIs(t, err, auth.ErrShownOnce)
		_, err = w.EnrollTOTP(t.Context(), w.alice.ID)
		require.ErrorIs(t, err, auth.ErrTOTPActive)
	})
}

func TestWhoIsSignedInConfirmsByVerify(t *testing.T) {
	t.Parallel()
	onStores(t, withTOTP, func(t *testing.T, w *world) {
		mine, other := w.signIn(t), w.signIn(t)
		id := mine.Identity()
		require.ErrorIs(t, w.Verify(t.Context(), id, "123456"), auth.ErrNothingToVerify)
		row, err := w.EnrollTOTP(t.Context(), w.alice.ID)
		require.NoError(t, err)
		require.ErrorIs(t, w.Verify(t.Context(), id, w.wrong(t, row.URL)), auth.ErrCode)
		require.NoError(t, w.Verify(t.Context(), id, w.code(t, row.URL)))
		_, err = authenticated(t, w.Service, withCookie(mine.Cookie))
		require.NoError(t, err)
		_, err = authenticated(t, w.Service, withCookie(other.Cookie))
		require.ErrorIs(t, err, auth.ErrUnauthenticated, "a new second factor ends all other sessions")
		require.ErrorIs(t, w.Verify(t.Context(), id, w.code(t, row.URL)), auth.ErrNothingToVerify)
	})
}

func TestASessionWaitsForItsSecondFactor(t *testing.T) {
	t.Parallel()
	onStores(t, withTOTP, func(t *testing.T, w *world) {
		row := w.enrolled(t)
		id, in := w.pending(t)
		_, err := authenticated(t, w.Service, withCookie(in.Cookie))
		require.EqualError(t, err, "TOTP_REQUIRED")
		_, err = w.IssueJWT(t.Context(), w.client, id)
		require.EqualError(t, err, "TOTP_REQUIRED")

		require.ErrorIs(t, w.Verify(t.Context(), id, w.wrong(t, row.URL)), auth.ErrCode)
		code := w.code(t, row.URL)
		require.NoError(t, w.Verify(t.Context(), id, " "+code[:3]+" "+code[3:]+" "))
		require.True(t, id.Session.Verified)
		known, err := authenticated(t, w.Service, withCookie(in.Cookie))
		require.NoError(t, err)
		require.Equal(t, w.alice.ID, known.User.ID)

		id, in = w.pending(t)
		require.ErrorIs(t, w.Verify(t.Context(), id, code), auth.ErrCode, "each code counts once")
		require.NoError(t, w.SignOut(t.Context(), id), "who waits may leave")
		w.clock.add(30 * time.Second)
		require.ErrorIs(t, w.Verify(t.Context(), id, w.code(t, row.URL)), auth.ErrUnauthenticated)
		_, err = authenticated(t, w.Service, withCookie(in.Cookie))
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	})
}

func TestFiftyParallelVerifiesOfOneCodeGiveOneSuccess(t *testing.T) {
	t.Parallel()
	onStores(t, withTOTP, func(t *testing.T, w *world) {
		row := w.enrolled(t)
		code := w.code(t, row.URL)
		ids := make([]*auth.Identity, 50)
		services := make([]*auth.Service, len(ids))
		for i := range ids {
			in := w.signIn(t)
			ids[i] = in.Identity()
			services[i] = w.another(t, withTOTP) // each with a count of failed tries of its own
		}
		var mu sync.Mutex
		fine, wrong := 0, 0
		var wg sync.WaitGroup
		for i, id := range ids {
			wg.Go(func() {
				err := services[i].Verify(t.Context(), id, code)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					fine++
				case errors.Is(err, auth.ErrCode):
					wrong++
				default:
					assert.NoError(t, err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, []int{1, 49}, []int{fine, wrong})
		page, err := w.st.Users().Sessions().List(t.Context(), w.alice.ID, store.Query{Where: map[string]any{"verified": true}})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
	})
}

func TestFiveWrongCodesRefuseFurtherOnes(t *testing.T) {
	t.Parallel()
	onStores(t, withTOTP, func(t *testing.T, w *world) {
		row := w.enrolled(t)
		id, _ := w.pending(t)
		for range 4 {
			require.ErrorIs(t, w.Verify(t.Context(), id, w.wrong(t, row.URL)), auth.ErrCode)
		}
		require.ErrorIs(t, w.Recover(t.Context(), id, "AAAAAAAAAAAAAAAA"), auth.ErrRecoveryCode)
		limited(t, w.Verify(t.Context(), id, w.code(t, row.URL)))
		limited(t, w.Recover(t.Context(), id, row.RecoveryCode))
		fresh, _ := w.pending(t)
		limited(t, w.Verify(t.Context(), fresh, w.code(t, row.URL)))
		w.clock.add(15 * time.Minute)
		require.NoError(t, w.Verify(t.Context(), fresh, w.code(t, row.URL)))
	})
}

func TestARecoveryCodeRemovesTheSecondFactorOnce(t *testing.T) {
	t.Parallel()
	for name, typed := range map[string]func(string) string{
		"as shown":      func(s string) string { return s },
		"in lower case": strings.ToLower,
		"with spaces":   func(s string) string { return " " + s[:4] + "-" + s[4:8] + " " + s[8:] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onStores(t, withTOTP, func(t *testing.T, w *world) {
				row := w.enrolled(t)
				other, otherIn := w.pending(t)
				id, in := w.pending(t)
				require.ErrorIs(t, w.Recover(t.Context(), id, ""), auth.ErrRecoveryCode)
				require.NoError(t, w.Recover(t.Context(), id, typed(row.RecoveryCode)))
				_, err := authenticated(t, w.Service, withCookie(in.Cookie))
				require.NoError(t, err)
				_, err = authenticated(t, w.Service, withCookie(otherIn.Cookie))
				require.ErrorIs(t, err, auth.ErrUnauthenticated)
				require.ErrorIs(t, w.Recover(t.Context(), other, row.RecoveryCode), auth.ErrNoTOTP)
				require.True(t, w.signIn(t).Session.Verified)
			})
		})
	}
}

func TestARecoveryCodeOfSemaphoreUIWorks(t *testing.T) {
	t.Parallel()
	w := setup(t, withTOTP)
	row := w.enrolled(t)
	stored, err := w.st.Users().SecondFactors().Get(t.Context(), w.alice.ID, row.ID)
	require.NoError(t, err)
	hash, err := bcrypt.GenerateFromPassword([]byte("ABCDEFGHIJKLMNOP"), 4)
	require.NoError(t, err)
	stored.RecoveryHash = string(hash)
	require.NoError(t, w.st.Users().SecondFactors().Update(t.Context(), stored))
	id, _ := w.pending(t)
	require.ErrorIs(t, w.Recover(t.Context(), id, row.RecoveryCode), auth.ErrRecoveryCode)
	require.NoError(t, w.Recover(t.Context(), id, "ABCDEFGHIJKLMNOP"))
}

func TestSecondFactorsThatTheConfigurationForbids(t *testing.T) {
	t.Parallel()
	w := setup(t, withTOTP)
	row := w.enrolled(t)
	id, _ := w.pending(t)
	off := w.another(t, auth.Config{})
	in, err := off.SignIn(t.Context(), w.client, "alice", password)
	require.NoError(t, err)
	require.True(t, in.Session.Verified, "those who have one sign in without")
	require.ErrorIs(t, off.Verify(t.Context(), id, w.code(t, row.URL)), auth.ErrTOTPDisabled)
	require.ErrorIs(t, off.Recover(t.Context(), id, row.RecoveryCode), auth.ErrTOTPDisabled)
	require.ErrorIs(t, off.ConfirmTOTP(t.Context(), w.alice.ID, row.ID, w.code(t, row.URL)), auth.ErrTOTPDisabled)
	_, err = off.EnrollTOTP(t.Context(), w.alice.ID)
	require.ErrorIs(t, err, auth.ErrTOTPDisabled)

	strict := w.another(t, auth.Config{TOTP: true})
	require.ErrorIs(t, strict.Recover(t.Context(), id, row.RecoveryCode), auth.ErrTOTPDisabled)
	require.NoError(t, strict.DisableTOTP(t.Context(), w.alice.ID, row.ID))
	row, err = strict.EnrollTOTP(t.Context(), w.alice.ID)
	require.NoError(t, err)
	require.Empty(t, row.RecoveryCode)
	require.Empty(t, row.RecoveryHash)
}

func TestRemovingASecondFactorEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	onStores(t, withTOTP, func(t *testing.T, w *world) {
		row := w.enrolled(t)
		id, mine := w.pending(t)
		_, other := w.pending(t)
		require.NoError(t, w.Verify(t.Context(), id, w.code(t, row.URL)))
		require.ErrorIs(t, w.DisableTOTP(t.Context(), w.alice.ID+1, row.ID), store.ErrNotFound)
		require.NoError(t, w.DisableTOTP(auth.NewContext(t.Context(), id), w.alice.ID, row.ID))
		_, err := authenticated(t, w.Service, withCookie(mine.Cookie))
		require.NoError(t, err)
		_, err = authenticated(t, w.Service, withCookie(other.Cookie))
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	})
}

func TestAcceptCodeTakesTheStepsAroundNowOnce(t *testing.T) {
	t.Parallel()
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "i", AccountName: "a", Secret: []byte("12345678901234567890")})
	require.NoError(t, err)
	now := time.Unix(59, 0) // step 1: RFC 6238 has 94287082 for it
	codes := map[int64]string{}
	for step := range int64(6) {
		code, err := totp.GenerateCode(key.Secret(), time.Unix(step*30, 0))
		require.NoError(t, err)
		codes[step] = code
	}
	require.Equal(t, "287082", codes[1])
	for _, test := range []struct {
		name       string
		code       string
		last, step int64
		fine       bool
	}{
		{"now", codes[1], 0, 1, true},
		{"the one before", codes[0], -1, 0, true},
		{"the next", codes[2], 1, 2, true},
		{"two ahead", codes[3], 0, 0, false},
		{"used", codes[1], 1, 0, false},
		{"before the used one", codes[0], 1, 0, false},
		{"too short", codes[1][:5], 0, 0, false},
		{"too long", codes[1] + "0", 0, 0, false},
		{"no digits", "abcdef", 0, 0, false},
		{"nothing", "", 0, 0, false},
		{"other digits", "２８７０８２", 0, 0, false},
	} {
		step, fine := auth.AcceptCode(key, test.code, now, test.last)
		require.Equal(t, test.fine, fine, test.name)
		require.Equal(t, test.step, step, test.name)
	}
}
