package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// FuzzLoad reads any file with any variable and option: it answers or fails,
// and what it takes can be shown and used.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{`{}`, `{"port": "1", "apps": {"x": {"args": [null, "-v"]}}}`, `{"tls": {"enabled": true}}`, `[[[[`, "\xef\xbb\xbf{}", `{"oidc_providers": {"": {"role_mappings": [{}]}}}`, `{"process": {"uid": 1e3}}`} {
		f.Add(s, s, "apps.x.active", "true")
	}
	f.Fuzz(func(t *testing.T, text, env, option, value string) {
		file := filepath.Join(t.TempDir(), "config.json")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		cfg, report, err := config.Load(config.Options{File: file, Env: []string{"SEMAPHORE_APPS=" + env, "SEMAPHORE_TRUSTED_PROXIES=" + env}})
		if err != nil {
			require.Nil(t, cfg)
			return
		}
		cfg.ApplyOptions(map[string]string{option: value}, &report)
		cfg.Masked()
		require.NotEmpty(t, cfg.Entries(report))
		require.GreaterOrEqual(t, len(cfg.Apps(func(string) bool { return false })), 7)
		_, _ = cfg.StoreURL()
		if again, _, err := config.Load(config.Options{File: file, Env: []string{}}); err == nil {
			require.GreaterOrEqual(t, again.MaxParallelTasks, 0)
		}
	})
}
