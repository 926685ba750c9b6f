package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// resolve makes the Spec of a claimed task: what was frozen, with the keys
// opened. Secrets are opened here and nowhere else.
func (p *TaskPool) resolve(ctx context.Context, c store.Claimed) (*job.Spec, error) {
	snap, err := decodeSnapshot(c.Snapshot)
	if err != nil {
		return nil, err
	}
	spec := &snap.Spec
	spec.Task.ID, spec.Task.ProjectID, spec.Task.Attempt = c.Task.ID, c.Task.ProjectID, c.Lease.Attempt
	spec.Task.RunnerTag = c.Task.RunnerTag
	if p.cfg.WebHost != "" {
		spec.Task.URL = fmt.Sprintf("%s/project/%d/history?t=%d", strings.TrimSuffix(p.cfg.WebHost, "/"), c.Task.ProjectID, c.Task.ID)
	}
	if o := spec.Terraform; o != nil && o.OverrideBackend && p.cfg.StateAddress != nil {
		o.BackendAddress = p.cfg.StateAddress(c.Task, c.Lease.Attempt)
	}
	if c.Task.Version != nil {
		spec.Task.TargetVersion = *c.Task.Version
	}
	if hash := c.Task.CommitHash; hash != nil && *hash != "" && !snap.InPlace {
		spec.Repository.Commit = *hash // of the first attempt
	}
	o := keyOpener{pool: p, project: c.Task.ProjectID}
	if err := o.keys(ctx, snap); err != nil {
		return nil, err
	}
	if err := o.secrets(ctx, snap, c); err != nil {
		return nil, err
	}
	if err := p.knownHosts(ctx, spec); err != nil {
		return nil, err
	}
	if c.Resume {
		p.resume(spec, c.Task)
	}
	return spec, nil
}

// resume tells a confirmed run how to go on.
func (p *TaskPool) resume(spec *job.Spec, t store.Task) {
	if t.Prompt == string(job.AskMigrateState) {
		if spec.Terraform == nil {
			spec.Terraform = &job.TerraformOptions{}
		}
		spec.Terraform.MigrateState = true
		return
	}
	spec.Resume = true
}

// keys opens what the run signs in with.
func (o keyOpener) keys(ctx context.Context, snap *Snapshot) (err error) {
	spec := &snap.Spec
	if spec.Repository.Key, err = o.key(ctx, snap.RepositoryKey); err != nil {
		return fmt.Errorf("repository: %w", err)
	}
	inv := spec.Inventory
	if inv == nil {
		return nil
	}
	if inv.UserKey, err = o.key(ctx, snap.UserKey); err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	if inv.BecomeKey, err = o.key(ctx, snap.BecomeKey); err != nil {
		return fmt.Errorf("inventory: become: %w", err)
	}
	if inv.Repository != nil {
		if inv.Repository.Key, err = o.key(ctx, snap.InventoryRepoKey); err != nil {
			return fmt.Errorf("inventory repository: %w", err)
		}
	}
	return nil
}

// secrets opens variables, vault passwords and survey values.
func (o keyOpener) secrets(ctx context.Context, snap *Snapshot, c store.Claimed) error {
	for _, ref := range snap.Secrets {
		value, err := o.text(ctx, ref.KeyID)
		if err != nil {
			return fmt.Errorf("secret %s: %w", ref.Name, err)
		}
		snap.Spec.Secrets = append(snap.Spec.Secrets, job.SecretVar{Name: ref.Name, Kind: ref.Kind, Value: value})
	}
	for _, ref := range snap.Vaults {
		vault := job.Vault{Name: ref.Name, Script: ref.Script}
		if ref.Script == "" {
			var err error
			if vault.Password, err = o.text(ctx, ref.KeyID); err != nil {
				return fmt.Errorf("vault %s: %w", ref.Name, err)
			}
		}
		snap.Spec.Vaults = append(snap.Spec.Vaults, vault)
	}
	if len(snap.Survey) == 0 {
		return nil
	}
	if len(c.Secrets) == 0 {
		return fmt.Errorf("the secret values %s are not kept any more: start the task anew", strings.Join(snap.Survey, ", "))
	}
	plain, err := openBound(o.pool.cfg.Ring, surveyField, c.Task.ProjectID, snap.SealID, c.Secrets)
	if err != nil {
		return fmt.Errorf("secret values: %w", err)
	}
	values := map[string]string{}
	if err := json.Unmarshal(plain, &values); err != nil {
		return fmt.Errorf("secret values are damaged: start the task anew")
	}
	snap.Spec.Survey = make(map[string]job.Secret, len(values))
	for name, value := range values {
		snap.Spec.Survey[name] = job.NewSecret(value)
	}
	return nil
}

// knownHosts gives the run the host keys that its project trusts.
func (p *TaskPool) knownHosts(ctx context.Context, spec *job.Spec) error {
	if spec.HostKeys.Policy == "" || spec.HostKeys.Policy == job.HostKeysOff {
		return nil
	}
	hosts, err := p.st.Projects().KnownHosts().List(ctx, spec.Task.ProjectID, store.Query{Limit: -1})
	if err != nil {
		return fmt.Errorf("known hosts: %w", err)
	}
	for _, h := range hosts.Items {
		spec.HostKeys.Known = append(spec.HostKeys.Known, job.HostKey{Host: h.Host, Key: h.Key})
	}
	return nil
}
