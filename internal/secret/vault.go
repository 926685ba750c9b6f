package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// VaultParams are the params of a secret storage of type vault.
type VaultParams struct {
	URL       string `json:"url"`
	Mount     string `json:"mount"`     // of the KV engine, version 2. Defaults to "secret".
	Namespace string `json:"namespace"` // of Vault Enterprise, HCP and OpenBao. Defaults to none.
	Field     string `json:"field"`     // that holds the value where a key names none. Defaults to "value".
}

// Vault keeps secrets in the KV engine, version 2, of HashiCorp Vault or
// OpenBao. A key is "path" or "path#field". Other fields of a secret are left
// as they are: a write reads the secret, changes its field, and stores it only
// if nobody else has meanwhile.
type Vault struct {
	call      *caller
	mount     string // escaped
	namespace string
	field     string
	token     string
}

// casTries bounds how often a write begins anew because somebody else wrote.
const casTries = 5

// newVault returns a storage on a server.
func newVault(p VaultParams, token string, client *http.Client, final func(error) bool) (*Vault, error) {
	base, err := p.check()
	if err != nil {
		return nil, err
	}
	v := &Vault{call: newCaller(client, base, final, "vault"), namespace: p.Namespace, field: p.Field, token: token}
	if v.field == "" {
		v.field = "value"
	}
	if p.Mount == "" {
		p.Mount = "secret"
	}
	v.mount, err = escapePath("params.mount", p.Mount)
	return v, err
}

// check says what is wrong with the params.
func (p VaultParams) check() (*url.URL, error) {
	base, err := parseURL(p.URL)
	if err != nil {
		return nil, err
	}
	if p.Mount != "" {
		if _, err := escapePath("params.mount", p.Mount); err != nil {
			return nil, err
		}
	}
	if p.Namespace != "" {
		if _, err := escapePath("params.namespace", p.Namespace); err != nil {
			return nil, err
		}
	}
	if strings.Contains(p.Field, "#") || len(p.Field) > maxKey {
		return nil, refuse("params.field", "cannot be a field's name")
	}
	return base, nil
}

// vaultSecret is one version of a secret. Version 0 means that there has been
// none.
type vaultSecret struct {
	data    map[string]json.RawMessage
	version int64
}

// split reads "path#field". named tells whether the key names a field.
func (v *Vault) split(key string) (path, field string, named bool, err error) {
	path, field, named = strings.Cut(key, "#")
	if named && field == "" {
		return "", "", false, refuse("source_storage_key", "ends in '#': name the field behind it")
	}
	if !named {
		field = v.field
	}
	path, err = escapePath("source_storage_key", path)
	return path, field, named, err
}

// Get implements Storage. A key without a field whose secret lacks the usual one
// gives all fields as a JSON object.
func (v *Vault) Get(ctx context.Context, key string) (string, error) {
	path, field, named, err := v.split(key)
	if err != nil {
		return "", err
	}
	s, err := v.read(ctx, path)
	if err != nil {
		return "", err
	}
	if len(s.data) == 0 {
		return "", fmt.Errorf("%w: vault has nothing at that path: check the key and the mount", ErrNotFound)
	}
	raw, ok := s.data[field]
	switch {
	case ok && string(raw) != "null":
		var text string
		if json.Unmarshal(raw, &text) == nil {
			return text, nil
		}
		return string(raw), nil
	case named:
		return "", fmt.Errorf("%w: the secret in vault has no field %q", ErrNotFound, field)
	}
	return encodeJSON(s.data)
}

// Put implements Storage.
func (v *Vault) Put(ctx context.Context, key, value string) error {
	path, field, _, err := v.split(key)
	if err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode secret: %w", err)
	}
	return v.change(ctx, path, func(data map[string]json.RawMessage) bool {
		data[field] = text
		return true
	})
}

// Delete implements Storage. The last field takes the secret with all its
// versions along, and so does a key that stands for a whole document.
func (v *Vault) Delete(ctx context.Context, key string) error {
	path, field, named, err := v.split(key)
	if err != nil {
		return err
	}
	s, err := v.read(ctx, path)
	if err != nil {
		return err
	}
	_, has := s.data[field]
	if s.version == 0 || !has && named {
		return nil
	}
	if has && len(s.data) > 1 {
		return v.change(ctx, path, func(data map[string]json.RawMessage) bool {
			_, still := data[field]
			delete(data, field)
			return still
		})
	}
	r, err := v.send(ctx, http.MethodDelete, "metadata", path, nil)
	if err != nil {
		return err
	}
	switch r.status {
	case http.StatusOK, http.StatusNoContent, http.StatusNotFound:
		return nil
	default:
		return v.refused(r.status, "delete", "metadata")
	}
}

// change rewrites a secret if f says that it has changed it.
func (v *Vault) change(ctx context.Context, path string, f func(map[string]json.RawMessage) bool) error {
	for range casTries {
		s, err := v.read(ctx, path)
		if err != nil {
			return err
		}
		if s.data == nil {
			s.data = map[string]json.RawMessage{}
		}
		if !f(s.data) {
			return nil
		}
		body, err := json.Marshal(map[string]any{"options": map[string]any{"cas": s.version}, "data": s.data})
		if err != nil {
			return fmt.Errorf("encode secret: %w", err)
		}
		r, err := v.send(ctx, http.MethodPost, "data", path, body)
		switch {
		case err != nil:
			return err
		case r.status == http.StatusOK || r.status == http.StatusNoContent:
			return nil
		case r.status != http.StatusBadRequest || !bytes.Contains(r.body, []byte("check-and-set")):
			return v.refused(r.status, "create and update", "data")
		}
	}
	return fmt.Errorf("vault: others keep changing the secret: try again")
}

// read returns the newest version of a secret. One that is not there, or was
// deleted, has no data.
func (v *Vault) read(ctx context.Context, path string) (vaultSecret, error) {
	r, err := v.send(ctx, http.MethodGet, "data", path, nil)
	if err != nil {
		return vaultSecret{}, err
	}
	if r.status != http.StatusOK && r.status != http.StatusNotFound {
		return vaultSecret{}, v.refused(r.status, "read", "data")
	}
	var answer struct {
		Data *struct {
			Data     map[string]json.RawMessage `json:"data"`
			Metadata struct {
				Version int64 `json:"version"`
			} `json:"metadata"`
		} `json:"data"`
	}
	if err := v.call.decode(r, &answer); err != nil {
		return vaultSecret{}, err
	}
	if answer.Data == nil || answer.Data.Metadata.Version == 0 {
		if r.status == http.StatusOK {
			return vaultSecret{}, fmt.Errorf("vault: the mount is no KV engine of version 2: name one in params.mount")
		}
		return vaultSecret{}, nil
	}
	return vaultSecret{data: answer.Data.Data, version: answer.Data.Metadata.Version}, nil
}

// test tells whether the server knows the token.
func (v *Vault) test(ctx context.Context) error {
	r, err := v.call.do(ctx, http.MethodGet, "/v1/auth/token/lookup-self", v.header(), nil)
	if err != nil {
		return err
	}
	if r.status != http.StatusOK {
		return v.refused(r.status, "use", "auth/token/lookup-self")
	}
	return nil
}

func (v *Vault) send(ctx context.Context, method, api, path string, body []byte) (reply, error) {
	return v.call.do(ctx, method, "/v1/"+v.mount+"/"+api+"/"+path, v.header(), body)
}

func (v *Vault) header() http.Header {
	h := http.Header{"X-Vault-Token": {v.token}, "X-Vault-Request": {"true"}, "Content-Type": {"application/json"}}
	if v.namespace != "" {
		h.Set("X-Vault-Namespace", v.namespace)
	}
	return h
}

// refused explains an answer that is none of the good ones.
func (v *Vault) refused(status int, right, api string) error {
	if status == http.StatusForbidden || status == http.StatusUnauthorized {
		return fmt.Errorf("%w: vault does not accept the token of the storage: renew it, or give it the right to %s below %s of the mount", ErrRefused, right, api)
	}
	return fmt.Errorf("vault answers %d: check url, mount and namespace of the storage", status)
}
