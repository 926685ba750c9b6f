package api

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/store"
)

type infoReply struct {
	Version         string       `json:"version"`
	Ansible         string       `json:"ansible"` // "" until it is known
	WebHost         string       `json:"web_host"`
	UseRemoteRunner bool         `json:"use_remote_runner"`
	AuthMethods     authMethods  `json:"auth_methods"`
	Premium         premium      `json:"premium_features"`
	GitClient       string       `json:"git_client"`
	Timezone        string       `json:"schedule_timezone"`
	Teams           teams        `json:"teams"`
	Roles           []store.Role `json:"roles"`           // global ones
	Nodes           []nodes.Node `json:"nodes,omitempty"` // servers that share the database, for administrators
}

// premium are abilities that clients look for by these names.
type premium struct {
	ProjectRunners   bool `json:"project_runners"`
	TerraformBackend bool `json:"terraform_backend"`
	TaskSummary      bool `json:"task_summary"`
	SecretStorages   bool `json:"secret_storages"`
}

type teams struct {
	InvitesEnabled  bool   `json:"invites_enabled"`
	InviteType      string `json:"invite_type"`
	MembersCanLeave bool   `json:"members_can_leave"`
}

// info tells a client what it may offer.
func (s *Server) info(c *call) error {
	set := s.cfg.Settings
	roles, err := s.st.Projects().Roles().List(c.ctx(), 0, store.Query{Sort: "name", Limit: -1})
	if err != nil {
		return err
	}
	methods := s.authMethods()
	if set.EmailOTP {
		methods.Email = &struct{}{}
	}
	var servers []nodes.Node
	if c.s.cfg.Nodes != nil && c.user.Admin {
		if servers, err = c.s.cfg.Nodes(c.ctx()); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, infoReply{
		Version: s.cfg.Version, Ansible: s.ansible.get(c.ctx()), WebHost: s.cfg.WebHost, UseRemoteRunner: set.UseRemoteRunner,
		AuthMethods: methods, Premium: premium{true, true, true, true}, GitClient: set.GitClient, Timezone: set.Timezone,
		Teams: teams{set.InvitesEnabled, set.InviteType, set.MembersCanLeave}, Roles: roles.Items,
		Nodes: servers,
	})
}

// finding is a text that takes a while to find out and never changes.
type finding struct {
	find func(ctx context.Context) (string, error)
	log  *slog.Logger

	mu     sync.Mutex
	text   string
	begun  bool
	closed bool
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// findTimeout is how long it may take.
const findTimeout = 30 * time.Second

func newFinding(find func(ctx context.Context) (string, error), log *slog.Logger) *finding {
	if find == nil {
		find = ansibleVersion
	}
	return &finding{find: find, log: log}
}

// get returns the text, "" as long as it is not known, and never waits. The
// first call begins to look for it.
func (f *finding) get(ctx context.Context) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.begun && !f.closed {
		f.begun = true
		ctx, f.cancel = context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
		f.done.Go(func() { f.look(ctx) })
	}
	return f.text
}

func (f *finding) look(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			f.log.Error("looking for a version panicked", slog.Any("panic", p))
		}
	}()
	text, err := f.find(ctx)
	if err != nil {
		f.log.Debug("version not found", slog.Any("error", err))
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = text
}

// close ends the search and waits for that.
func (f *finding) close() {
	f.mu.Lock()
	f.closed = true
	if f.cancel != nil {
		f.cancel()
	}
	f.mu.Unlock()
	f.done.Wait()
}

// ansibleVersion is what ansible --version prints.
func ansibleVersion(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "ansible", "--version")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LANG=C.UTF-8"}
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	return strings.TrimSpace(clip(strings.ToValidUTF8(string(out), ""), 4000)), err
}
