package auth_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
)

func TestASecretOfAProviderNeverShowsItself(t *testing.T) {
	t.Parallel()
	s := auth.NewSecret("canary")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "config", auth.LDAPConfig{BindPassword: s})
	asJSON, err := json.Marshal(auth.LDAPConfig{BindPassword: s})
	require.NoError(t, err)
	for _, text := range []string{
		log.String(), string(asJSON), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v", auth.LDAPConfig{BindPassword: s}, auth.LDAPConfig{BindPassword: s}, auth.LDAPConfig{BindPassword: s}),
	} {
		require.NotContains(t, text, "canary")
		require.Contains(t, text, "***")
	}
	require.Empty(t, auth.Secret{}.String())
}
