package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/cmd/internal/executor"
	"github.com/alexandervashurin/semaphore/internal/apps"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/internal/web"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/gogit"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// fill turns a configuration into that of the front door. What administrators
// have set by the API goes over the file.
func fill(ctx context.Context, o Options) (semaphore.Config, error) {
	cfg := o.Config
	options, err := o.Store.Options().All(ctx)
	if err != nil {
		return semaphore.Config{}, fmt.Errorf("options: %w", err)
	}
	var report config.Report
	cfg.ApplyOptions(options, &report)
	for _, w := range report.Warnings {
		o.Log.Warn("an option of the database has no effect", slog.String("warning", w))
	}
	local, err := localConfig(cfg, o)
	if err != nil {
		return semaphore.Config{}, err
	}
	location, err := time.LoadLocation(cmp.Or(cfg.Schedule.Timezone, "UTC"))
	if err != nil {
		return semaphore.Config{}, fmt.Errorf("schedule.timezone: %w", err)
	}
	proxies, err := prefixes(cfg.TrustedProxies)
	if err != nil {
		return semaphore.Config{}, fmt.Errorf("trusted_proxies: %w", err)
	}
	outside, err := prefixes(cfg.Outgoing.Allow)
	if err != nil {
		return semaphore.Config{}, fmt.Errorf("outgoing.allow: %w", err)
	}
	alerts, err := alertsOf(cfg, o.Log)
	if err != nil {
		return semaphore.Config{}, err
	}
	signIn, err := signInOf(cfg, o)
	if err != nil {
		return semaphore.Config{}, err
	}
	page, err := pageOf(cfg)
	if err != nil {
		return semaphore.Config{}, err
	}
	catalogue := apps.New(o.Store, cfg.AppSettings)
	out := semaphore.Config{
		Store: o.Store, Ring: o.Ring, Dir: executor.Dir(cfg), Local: local, Log: o.Log,
		Alerts: alerts, Outgoing: outside,
		Secrets: semaphore.Secrets{EnvPrefix: cfg.EnvSecretPrefix, FilesDir: cmp.Or(cfg.Dirs.SecretsPath, filepath.Join(cfg.DataDir, "secrets"))},
		Pool: pool.Config{
			MaxParallel: unlimited(cfg.MaxParallelTasks), Location: location, Git: local.Git, CheckApp: catalogue.Check,
			MaxDuration: time.Duration(cfg.MaxTaskDurationSec) * time.Second,
			Retention:   store.Retention{Tasks: cfg.MaxTasksPerTemplate},
			LostAfter:   time.Duration(cfg.LostAfterSec) * time.Second, LostAfterRetry: time.Duration(cfg.LostAfterRetrySec) * time.Second,
			ShutdownGrace: time.Duration(cfg.ShutdownGraceSec) * time.Second,
		},
		HTTP: semaphore.HTTP{
			WebHost: cfg.WebHost, Local: localURL(cfg), Version: o.Version, Apps: catalogue, TrustedProxies: proxies, TrustedOrigins: cfg.TrustedOrigins,
			AccessLog: o.Log, Settings: settings(cfg), Web: page,
			Auth: signIn, OIDC: oidcOf(cfg),
		},
	}
	return out, nil
}

// pageOf is the page that people look at, below the path of the public address;
// nil where the program was built without.
func pageOf(cfg *config.Config) (http.Handler, error) {
	prefix := ""
	if u, err := url.Parse(cfg.WebHost); err == nil {
		prefix = u.Path
	}
	page, err := web.New(prefix)
	if errors.Is(err, web.ErrNone) {
		return nil, nil //nolint:nilnil // the API serves a line of links then
	}
	return page, err
}

// unlimited is the pool's word for no limit.
func unlimited(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			ip, ipErr := netip.ParseAddr(text)
			if ipErr != nil {
				return nil, err
			}
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

func settings(cfg *config.Config) semaphore.Settings {
	return semaphore.Settings{
		NonAdminCanCreateProject: cfg.NonAdminCanCreate,
		PasswordLoginDisabled:    cfg.PasswordLoginDisable,
		RequireCurrentPassword:   cfg.RequireCurrentPassword,
		UseRemoteRunner:          cfg.UseRemoteRunner,
		RunnerRegistrationToken:  cfg.RunnerRegistrationToken.Reveal(),
		GitClient:                cfg.GitClient,
		Timezone:                 cfg.Schedule.Timezone,
		InvitesEnabled:           cfg.Teams.InvitesEnabled,
		InviteType:               cfg.Teams.InviteType,
		MembersCanLeave:          cfg.Teams.MembersCanLeave,
		WebhookLegacyStatus:      cfg.WebhookLegacyStatus,
		MaxParallelTasks:         cfg.MaxParallelTasks,
		DumpDir:                  cfg.Debugging.PprofDumpDir,
	}
}

// localConfig configures the executor of this machine.
func localConfig(cfg *config.Config, o Options) (job.LocalConfig, error) {
	local, err := executor.Config(cfg, o.Log)
	if err != nil {
		return local, err
	}
	if o.Demo {
		abs, err := filepath.Abs(demoDir(cfg.DataDir))
		if err != nil {
			return local, fmt.Errorf("demo: %w", err)
		}
		local.ReposPaths = append(local.ReposPaths[:len(local.ReposPaths):len(local.ReposPaths)], abs)
	}
	switch {
	case cfg.GitClient == "go_git", !onPath("git"):
		local.Git = gogit.Git{}
	default:
		local.Git = job.GitCLI{}
	}
	return local, err
}
