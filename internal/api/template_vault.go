package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// vaultInput is a vault password in the body of a template.
type vaultInput struct {
	ID         int64   `json:"id"`
	VaultKeyID *int64  `json:"vault_key_id"`
	Name       *string `json:"name"`
	Type       string  `json:"type"`
	Script     *string `json:"script"`
}

// vaultsOfSpec checks vault passwords by themselves, and turns them into what
// those who run tasks can judge. Other apps than ansible have no use for them
// and keep them.
func vaultsOfSpec(in *templateInput) ([]job.Vault, error) {
	var list []job.Vault
	for i := range in.Vaults {
		v := &in.Vaults[i]
		field := fmt.Sprintf("vaults[%d]", i)
		if v.Name != nil && *v.Name == "" {
			v.Name = nil
		}
		of := job.Vault{}
		if v.Name != nil {
			of.Name = *v.Name
		}
		switch v.Type {
		case "", "password": // without a type it is one of old
			v.Type, v.Script = "password", nil
			if v.VaultKeyID == nil || *v.VaultKeyID == 0 {
				return nil, invalid(field+".vault_key_id", "is missing: choose a key with the password")
			}
			of.Password = job.NewSecret("of the key")
		case "script":
			v.VaultKeyID = nil
			if v.Script == nil || *v.Script == "" {
				return nil, invalid(field+".script", "is empty: give the path of the vault client script")
			}
			of.Script = *v.Script
		default:
			return nil, invalid(field+".type", "is %q: use password or script", clip(v.Type, 40))
		}
		list = append(list, of)
	}
	if in.App != "ansible" {
		return nil, nil
	}
	return list, nil
}

// saveTemplateParts stores what belongs to a template: its vault passwords in
// place of those it had, and its workspace.
func saveTemplateParts(ctx context.Context, _ *call, tx store.Store, in *templateInput, t *store.Template) error {
	if err := saveVaults(ctx, tx, in.Vaults, t); err != nil {
		return err
	}
	if !terraformFamily(t.App) {
		return nil
	}
	return saveWorkspace(ctx, tx, t)
}

// saveVaults replaces the vault passwords of a template. Those with an id are
// changed, those without are new, the others go. Ansible tries them in the order
// of the list, which is kept: one that has moved down is made anew.
func saveVaults(ctx context.Context, tx store.Store, sent []vaultInput, t *store.Template) error {
	table := tx.Templates().Vaults()
	stored, err := table.List(ctx, t.ProjectID, store.Query{Where: map[string]any{"template_id": t.ID}, Limit: -1})
	if err != nil {
		return err
	}
	had, kept := map[int64]bool{}, map[int64]bool{}
	for _, v := range stored.Items {
		had[v.ID] = true
	}
	sent, last, moved := slices.Clone(sent), int64(0), map[int64]bool{}
	for i, v := range sent {
		field := fmt.Sprintf("vaults[%d]", i)
		if v.ID != 0 && (!had[v.ID] || kept[v.ID]) {
			return invalid(field+".id", "the template has no further vault password %d: leave the id out for a new one", v.ID)
		}
		kept[v.ID] = true
		if v.ID < last || v.ID == 0 { // those behind it have to follow
			moved[v.ID], sent[i].ID, last = true, 0, math.MaxInt64
		}
		last = max(last, v.ID)
		if err := checkVaultKey(ctx, tx, field, v, t.ProjectID); err != nil {
			return err
		}
	}
	for _, v := range stored.Items { // first, since names may move on
		if !kept[v.ID] || moved[v.ID] {
			if err := table.Delete(ctx, t.ProjectID, v.ID); err != nil {
				return err
			}
		}
	}
	for _, v := range sent {
		row := store.TemplateVault{ID: v.ID, ProjectID: t.ProjectID, TemplateID: t.ID, VaultKeyID: v.VaultKeyID, Name: v.Name, Type: v.Type, Script: v.Script}
		if v.ID == 0 {
			_, err = table.Create(ctx, row)
		} else {
			err = table.Update(ctx, row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkVaultKey(ctx context.Context, tx store.Store, field string, v vaultInput, project int64) error {
	if v.VaultKeyID == nil {
		return nil
	}
	key, err := tx.Keys().Get(ctx, project, *v.VaultKeyID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return invalid(field+".vault_key_id", "there is no key %d in this project", *v.VaultKeyID)
	case err != nil:
		return err
	case key.Type != store.KeyLoginPassword || key.Owner != store.OwnerShared:
		return invalid(field+".vault_key_id", "key %q holds no password: choose one of type login_password", key.Name)
	}
	return nil
}
