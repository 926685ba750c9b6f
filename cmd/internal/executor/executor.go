// Package executor turns a configuration into that of the executor of a
// machine, for servers and for runners.
package executor

import (
	"cmp"
	"fmt"
	"log/slog"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/job"
)

// Dir is where runs, mirrors and caches live.
func Dir(cfg *config.Config) string {
	return cmp.Or(cfg.TmpPath, filepath.Join(cfg.DataDir, "work"))
}

// Config configures the executor of this machine, but for its git.
func Config(cfg *config.Config, log *slog.Logger) (job.LocalConfig, error) {
	local := job.LocalConfig{
		Apps: map[string]job.App{}, HomeMode: job.HomeMode(cfg.HomeDirMode), Env: map[string]string{},
		ForwardEnv: cfg.ForwardedEnvVars, ReposPaths: cfg.Dirs.ReposPath, AllowedPaths: cfg.Dirs.AllowedPaths,
		SSHConfig: cfg.SSHConfigPath, Log: log,
	}
	for id, app := range cfg.AppSettings {
		local.Apps[id] = job.App{Path: app.Path, Args: app.Args}
	}
	for name, value := range cfg.EnvVars {
		local.Env[name] = value.Reveal()
	}
	var err error
	local.Process, err = process(cfg.Process)
	return local, err
}

// process finds the account that tools run under.
func process(p config.Process) (job.Process, error) {
	var out job.Process
	if p.Chroot != "" {
		return out, fmt.Errorf("process.chroot is not supported: use a container, or process.user")
	}
	if p.User != "" {
		u, err := user.Lookup(p.User)
		if err != nil {
			return out, fmt.Errorf("process.user: %w", err)
		}
		if out.UID, err = strconv.Atoi(u.Uid); err != nil {
			return out, fmt.Errorf("process.user: %w", err)
		}
		if out.GID, err = strconv.Atoi(u.Gid); err != nil {
			return out, fmt.Errorf("process.user: %w", err)
		}
	}
	if p.UID != nil {
		out.UID = *p.UID
	}
	if p.GID != nil {
		out.GID = *p.GID
	}
	return out, nil
}
