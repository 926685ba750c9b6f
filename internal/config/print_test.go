package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// TestNothingPrintedShowsASecret puts a canary into every secret there is, by
// the variables of the table.
func TestNothingPrintedShowsASecret(t *testing.T) {
	t.Parallel()
	const canary = "https://canary.example.org/canary"
	env := []string{`SEMAPHORE_OIDC_PROVIDERS={"x": {"client_secret": "canary"}}`, `SEMAPHORE_ENV_VARS={"A": "canary"}`, `SEMAPHORE_DB_OPTIONS={"sslpassword": "canary"}`}
	secrets := 0
	for _, k := range config.Keys() {
		if k.Type == "secret text" && len(k.Env) > 0 && (k.Rule == "" || strings.HasPrefix(k.Rule, "http")) {
			env = append(env, k.Env[0]+"="+canary)
			secrets++
		}
	}
	require.Greater(t, secrets, 10)
	cfg, report, err := load(t, `{}`, env...)
	require.NoError(t, err)
	require.Equal(t, canary, cfg.SlackURL.Reveal())
	plain, err := json.Marshal(cfg)
	require.NoError(t, err)
	masked, err := json.Marshal(cfg.Masked())
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", cfg.SlackURL, "config", cfg)
	text := fmt.Sprintf("%s %s %v %+v %#v %s", plain, masked, cfg.SlackURL, cfg.Alerts, cfg.SlackURL, log.String())
	for _, e := range cfg.Entries(report) {
		text += e.Key + e.Text()
	}
	require.NotContains(t, text, "canary")
	require.Contains(t, text, "***")
}
