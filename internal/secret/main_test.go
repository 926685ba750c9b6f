package secret_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/secret"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const vaultToken = "hvs.CAESIJtoken"

// fakeVault speaks the documented part of Vault's API for KV version 2, with
// the answers that a real one gives.
type fakeVault struct {
	*httptest.Server

	mu        sync.Mutex
	namespace string                                            // that requests have to name
	data      map[string][]map[string]any                       // versions by path; a nil one was deleted
	status    int                                               // answered to everything, if not 0
	before    func(w http.ResponseWriter, _ *http.Request) bool // sees requests first; true answers them
	requests  []string
}

func newFakeVault(t *testing.T) *fakeVault {
	t.Helper()
	f := &fakeVault{data: map[string][]map[string]any{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(func() {
		f.Client().CloseIdleConnections()
		f.Close()
	})
	return f
}

func (f *fakeVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.URL.EscapedPath())
	w.Header().Set("Content-Type", "application/json")
	switch {
	case f.before != nil && f.before(w, r):
		return
	case f.status != 0:
		answer(w, f.status, `{"errors":["because"]}`)
		return
	case r.Header.Get("X-Vault-Token") != vaultToken, r.Header.Get("X-Vault-Namespace") != f.namespace:
		answer(w, 403, `{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}`)
		return
	case r.URL.Path == "/v1/auth/token/lookup-self":
		answer(w, 200, `{"data":{"id":"x","policies":["app"]}}`)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/v1/secret/data/"); ok && r.Method == http.MethodGet {
		f.read(w, path)
	} else if ok && r.Method == http.MethodPost {
		f.write(w, r, path)
	} else if path, ok := strings.CutPrefix(r.URL.Path, "/v1/secret/metadata/"); ok && r.Method == http.MethodDelete {
		delete(f.data, path)
		w.WriteHeader(http.StatusNoContent)
	} else {
		answer(w, 404, `{"errors":["no handler for route"]}`)
	}
}

func answer(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func (f *fakeVault) read(w http.ResponseWriter, path string) {
	versions := f.data[path]
	if len(versions) == 0 {
		answer(w, 404, `{"errors":[]}`)
		return
	}
	newest := versions[len(versions)-1]
	meta := map[string]any{"version": len(versions), "created_time": "2026-01-02T03:04:05Z", "deletion_time": "", "destroyed": false}
	status := 200
	if newest == nil {
		meta["deletion_time"] = "2026-01-02T03:04:06Z"
		status = 404
	}
	text, _ := json.Marshal(map[string]any{"request_id": "1", "data": map[string]any{"data": newest, "metadata": meta}})
	answer(w, status, string(text))
}

func (f *fakeVault) write(w http.ResponseWriter, r *http.Request, path string) {
	var body struct {
		Options struct {
			CAS *int `json:"cas"`
		} `json:"options"`
		Data map[string]any `json:"data"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		answer(w, 400, `{"errors":["error parsing JSON"]}`)
		return
	}
	if body.Options.CAS != nil && *body.Options.CAS != len(f.data[path]) {
		answer(w, 400, `{"errors":["check-and-set parameter did not match the current version"]}`)
		return
	}
	f.data[path] = append(f.data[path], body.Data)
	answer(w, 200, fmt.Sprintf(`{"data":{"version":%d}}`, len(f.data[path])))
}

// put stores a version of a secret.
func (f *fakeVault) put(path string, fields map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.data[path] = append(f.data[path], fields)
}

// newest returns the fields of a secret.
func (f *fakeVault) newest(path string) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.data[path]; len(v) > 0 {
		return maps.Clone(v[len(v)-1])
	}
	return nil
}

func (f *fakeVault) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// bundle is a project with a Keeper.
type bundle struct {
	st      store.Store
	ring    *crypto.Ring
	pool    *pool.TaskPool
	keeper  *secret.Keeper
	project int64
	env     map[string]string
	dir     string
}

func setup(t *testing.T, client *http.Client) *bundle {
	t.Helper()
	return setupOn(t, memory.New(memory.Config{}), client)
}

func setupOn(t *testing.T, st store.Store, client *http.Client) *bundle {
	t.Helper()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	b := &bundle{st: st, ring: ring, env: map[string]string{}, dir: t.TempDir()}
	b.keeper = secret.New(st, ring, secret.Config{
		EnvPrefix: "PROJ_", FilesDir: b.dir, HTTP: client,
		LookupEnv: func(name string) (string, bool) { v, ok := b.env[name]; return v, ok },
	})
	b.pool, err = pool.New(st, pool.Config{Ring: ring})
	require.NoError(t, err)
	p, err := st.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	b.project = p.ID
	return b
}

// storage makes a secret storage with a literal token.
func (b *bundle) storage(t *testing.T, s store.SecretStorage, params any, token string) store.SecretStorage {
	t.Helper()
	raw, err := json.Marshal(params)
	require.NoError(t, err)
	s.ProjectID, s.Params = b.project, raw
	if s.Name == "" {
		s.Name = "vault"
	}
	s, err = b.st.SecretStorages().Create(t.Context(), s)
	require.NoError(t, err)
	_, err = b.pool.SaveKey(t.Context(), store.AccessKey{Name: "token", Type: store.KeyString, String: token, ProjectID: b.project, Owner: store.OwnerVault, StorageID: &s.ID})
	require.NoError(t, err)
	return s
}

// key describes a key outside of the store.
func (b *bundle) key(kind store.KeyType, source string, storage int64, name string) store.AccessKey {
	key := store.AccessKey{ID: 1000, Name: "k", Type: kind, ProjectID: b.project, SourceStorageType: &source, SourceStorageKey: &name}
	if storage != 0 {
		key.SourceStorageID = &storage
	}
	return key
}

// memoryStorage is the smallest Storage.
type memoryStorage struct {
	mu     sync.Mutex
	values map[string]string
}

func (m *memoryStorage) Get(_ context.Context, key string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.values[key]
	if !ok {
		return "", secret.ErrNotFound
	}
	return value, nil
}

func (m *memoryStorage) Put(_ context.Context, key, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[key] = value
	return nil
}

func (m *memoryStorage) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	return nil
}
