package foreign

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Rows are the rows of an installation as they become ours, but for tasks, their
// output and events. Secrets are in none of them.
type Rows struct {
	Users            []store.User
	Tokens           []store.APIToken
	SecondFactors    []store.TOTP
	Projects         []store.Project
	Members          []store.Member
	Roles            []store.Role
	Invites          []store.Invite
	SecretStorages   []store.SecretStorage
	Environments     []store.Environment
	Keys             []store.AccessKey
	Repositories     []store.Repository
	Inventories      []store.Inventory
	Views            []store.View
	Templates        []store.Template
	Vaults           []store.TemplateVault
	TemplateRoles    []store.TemplateRole
	Integrations     []store.Integration
	Matchers         []store.IntegrationMatcher
	Extractors       []store.IntegrationExtractor
	Aliases          []store.IntegrationAlias
	Schedules        []store.Schedule
	TaskParams       []store.TaskParams
	Runners          []store.Runner
	TerraformAliases []store.TerraformAlias
	Options          map[string]string

	secrets map[int64][]byte // by id of the key, in clear
	urls    map[int64]string // by id of the second factor, in clear
}

// Rows reads everything but tasks, output and events, without writing anywhere.
// The report tells what an import would change and refuse among it.
func (i *Installation) Rows(ctx context.Context) (*Rows, Report, error) {
	rep := newReport(i.origin, time.Now())
	rep.DryRun = true
	r := i.reader(ctx, &rep, rep.Began)
	err := r.read()
	rep.Ended = time.Now().UTC()
	return r.rows, rep, err
}

func (i *Installation) reader(ctx context.Context, rep *Report, now time.Time) *reader {
	return &reader{
		ctx: ctx, db: i.db, old: i.ring, fault: i.fault, rep: rep, now: now,
		rows:  &Rows{Options: map[string]string{}, secrets: map[int64][]byte{}, urls: map[int64]string{}},
		users: map[int64]bool{}, owner: map[string]map[int64]int64{}, roles: map[string]bool{}, highest: map[string]int64{},
	}
}

// read reads the tables in the order of their references.
func (r *reader) read() error {
	for _, step := range []func() error{
		r.readUsers, r.readTokens, r.readSecondFactors,
		r.readProjects, r.readRoles, r.readMembers, r.readInvites,
		r.readStorages, r.readEnvironments, r.readKeys, r.readViews,
		r.readRepositories, r.readInventories, r.readTemplates, r.readVaults, r.readTemplateRoles,
		r.readIntegrations, r.readMatchers, r.readExtractors, r.readAliases,
		r.readSchedules, r.readTaskParams, r.readTerraformAliases, r.readRunners, r.readOptions,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, f := range r.later {
		f()
	}
	r.checkKeys()
	r.rep.LocalRepositories, r.rep.AbsolutePaths = r.rows.LocalRepositories(), r.rows.AbsolutePaths()
	return nil
}

// LocalRepositories lists the directories that repositories name in place of a
// URL.
func (r *Rows) LocalRepositories() []string {
	list := []string{}
	for _, repo := range r.Repositories {
		if local, ok := LocalPath(repo.GitURL); ok {
			list = append(list, local)
		}
	}
	return unique(list)
}

// LocalPath is the directory that the address of a repository names, if it names
// one.
func LocalPath(address string) (string, bool) {
	if rest, ok := strings.CutPrefix(address, "file://"); ok {
		address = rest
	}
	if !strings.HasPrefix(address, "/") {
		return "", false
	}
	return path.Clean(address), true
}

// AbsolutePaths lists the directories of inventories and vault scripts that are
// named by absolute paths.
func (r *Rows) AbsolutePaths() []string {
	list := []string{}
	for _, i := range r.Inventories {
		if i.Type == store.InventoryFile && path.IsAbs(i.Inventory) {
			list = append(list, path.Dir(path.Clean(i.Inventory)))
		}
	}
	for _, v := range r.Vaults {
		if v.Script != nil && path.IsAbs(*v.Script) {
			list = append(list, path.Dir(path.Clean(*v.Script)))
		}
	}
	return unique(list)
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// checkKeys warns where no secret could be opened: then the key is a wrong one.
func (r *reader) checkKeys() {
	lost, opened := 0, len(r.rows.secrets)
	for _, k := range r.rep.Kind("key").Notes {
		if k.Field == "secret" {
			lost++
		}
	}
	if lost > 0 && opened == 0 {
		r.rep.warn("none of the secrets could be opened: the key is probably a wrong one; give access_key_encryption of the old configuration, and import into a new database")
	}
}
