package auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

func TestACodeByMailIsAskedForAndCountsOnceForTenMinutes(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent []string
			w := setupOn(t, open(t), auth.Config{TOTP: true, EmailOTP: true, SendCode: func(_ context.Context, u store.User, code string) error {
				require.Equal(t, "alice@example.com", u.Email)
				require.Empty(t, u.Password)
				sent = append(sent, code)
				return nil
			}})
			id, in := w.pending(t)
			require.Len(t, sent, 1)
			require.Regexp(t, `^\d{6}$`, sent[0])
			_, err := authenticated(t, w.Service, withCookie(in.Cookie))
			require.EqualError(t, err, "EMAIL_OTP_REQUIRED")
			require.ErrorIs(t, w.Verify(t.Context(), id, sent[0]+"1"), auth.ErrCode)
			require.NoError(t, w.Verify(t.Context(), id, " "+sent[0]+" "))
			_, err = authenticated(t, w.Service, withCookie(in.Cookie))
			require.NoError(t, err)

			id, _ = w.pending(t)
			require.ErrorIs(t, w.Verify(t.Context(), id, sent[0]), auth.ErrCode, "used")
			w.clock.add(10 * time.Minute)
			require.ErrorIs(t, w.Verify(t.Context(), id, sent[1]), auth.ErrCode, "too old")
			fresh, _ := w.pending(t)
			require.NoError(t, w.Verify(t.Context(), fresh, sent[2]))

			ext, err := w.SignInExternal(t.Context(), w.client, external("lisa"))
			require.NoError(t, err)
			require.True(t, ext.Session.Verified, "a provider has its own second factors")
			row := w.enrolled(t)
			require.Equal(t, store.VerifyTOTP, w.signIn(t).Session.VerificationMethod)
			require.Len(t, sent, 3)
			require.NotEmpty(t, row.URL)
		})
	}
}

func TestACodeThatCannotBeSentIsAnError(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{EmailOTP: true, SendCode: func(context.Context, store.User, string) error { return errors.New("no mail server") }})
	_, err := w.SignIn(t.Context(), w.client, "alice", password)
	require.ErrorContains(t, err, "no mail server")
}
