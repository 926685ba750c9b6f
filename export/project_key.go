package export

import (
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// keyAD and paramsAD say where a sealed value of the store lives.
func keyAD(project, id int64) crypto.AD {
	return crypto.AD{Table: "access_key", ProjectID: project, ID: id, Field: "secret"}
}

func paramsAD(project, id int64) crypto.AD {
	return crypto.AD{Table: "task_params", ProjectID: project, ID: id, Field: "secret"}
}

// addKeys adds the keys that people see first, so that they keep their names
// where a secret of a variable group is called the same.
func (p *projector) addKeys() {
	list := rows(p, p.st.Keys())
	slices.SortStableFunc(list, func(a, b store.AccessKey) int { return rank(a) - rank(b) })
	var own []BackupName
	p.keys, own = name("key", list, func(r *store.AccessKey) int64 { return r.ID }, func(r *store.AccessKey) string { return r.Name })
	for i, r := range list {
		p.b.Keys = append(p.b.Keys, BackupKey{
			Name: p.keys[r.ID], Type: r.Type, Owner: r.Owner, SourceStorageKey: r.SourceStorageKey, SourceStorageType: r.SourceStorageType,
			SourceStorage: p.storages.of(r.SourceStorageID), Storage: p.storages.of(r.StorageID),
			Own: BackupKeyOwn{BackupName: own[i], Environment: p.environments.of(r.EnvironmentID), Secret: p.open(r.Secret, keyAD(p.project, r.ID), object("key", r.Name))},
		})
	}
}

func rank(k store.AccessKey) int {
	if k.Owner == store.OwnerShared {
		return 0
	}
	return 1
}

// open opens a sealed value where secrets are asked for.
func (p *projector) open(sealed *string, ad crypto.AD, what string) *string {
	if p.ring == nil || p.err != nil || sealed == nil || *sealed == "" {
		return nil
	}
	plain, err := p.ring.OpenAny(*sealed, ad)
	if err != nil {
		p.err = fmt.Errorf("open %s: %w", what, err)
		return nil
	}
	return new(string(plain))
}

// savedParams are the saved parameters of the project by their owners.
type savedParams struct {
	schedules, integrations map[int64]*BackupParams
}

func (p *projector) params() savedParams {
	all := savedParams{map[int64]*BackupParams{}, map[int64]*BackupParams{}}
	for _, r := range rows(p, p.st.Integrations().TaskParams()) {
		params := &BackupParams{
			Environment: r.Environment, Arguments: r.Arguments, GitBranch: r.GitBranch, Message: r.Message, Version: r.Version,
			InventoryName: p.inventories.of(r.InventoryID), Params: Object(r.Params),
			Own: BackupParamsOwn{HasSecret: r.Secret != nil, Secret: p.open(r.Secret, paramsAD(p.project, r.ID), "saved parameters")},
		}
		switch {
		case r.ScheduleID != nil:
			all.schedules[*r.ScheduleID] = params
		case r.IntegrationID != nil:
			all.integrations[*r.IntegrationID] = params
		}
	}
	return all
}
