package secret

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// dvlsField holds a text where a key names no field.
const dvlsField = "password"

// DVLSParams are the params of a secret storage of type dvls.
type DVLSParams struct {
	URL         string `json:"url"`
	VaultID     string `json:"vault_id"`
	AppKey      string `json:"app_key"`
	InsecureTLS bool   `json:"insecure_tls"` // any certificate will do; see Config.InsecureHTTP
}

// DVLS reads credentials from Devolutions Server. A key is the id of an entry,
// or "id#field". Without a field all fields of the entry are given as a JSON
// object. It is read only.
type DVLS struct {
	call   *caller
	vault  string // escaped
	appKey string
	secret string
}

// newDVLS returns a storage on a server.
func newDVLS(p DVLSParams, secret string, client *http.Client, final func(error) bool) (*DVLS, error) {
	base, err := p.check()
	if err != nil {
		return nil, err
	}
	return &DVLS{
		call: newCaller(client, base, final, "devolutions server"), vault: url.PathEscape(p.VaultID), appKey: p.AppKey, secret: secret,
	}, nil
}

// check says what is wrong with the params.
func (p DVLSParams) check() (*url.URL, error) {
	base, err := parseURL(p.URL)
	switch {
	case err != nil:
		return nil, err
	case p.AppKey == "":
		return nil, refuse("params.app_key", "is empty: give the key of the application")
	}
	if _, err := escapePath("params.vault_id", p.VaultID); err != nil || strings.Contains(p.VaultID, "/") {
		return nil, refuse("params.vault_id", "is not an id: give the id of the vault")
	}
	return base, nil
}

// insecure returns a client that takes any certificate and is otherwise as the
// usual one, its guard against addresses included. Its connections are not kept.
func (c Config) insecure() (*http.Client, error) {
	if c.InsecureHTTP != nil {
		return c.InsecureHTTP, nil
	}
	transport, ok := c.HTTP.Transport.(*http.Transport)
	if !ok {
		return nil, refuse("params.insecure_tls", "is not possible here: let the administrator trust the server's certificate")
	}
	transport = transport.Clone()
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.InsecureSkipVerify = true
	transport.DisableKeepAlives = true
	own := *c.HTTP
	own.Transport = transport
	return &own, nil
}

// Get implements Storage.
func (d *DVLS) Get(ctx context.Context, key string) (string, error) {
	entry, field, named := strings.Cut(key, "#")
	id, err := escapePath("source_storage_key", entry)
	if err != nil {
		return "", err
	}
	session, err := d.login(ctx)
	if err != nil {
		return "", err
	}
	r, err := d.call.do(ctx, http.MethodGet, "/api/v1/vault/"+d.vault+"/entry/"+id, http.Header{"Tokenid": {session}}, nil)
	if err != nil {
		return "", err
	}
	switch r.status {
	case http.StatusOK:
	case http.StatusNotFound:
		return "", fmt.Errorf("%w: devolutions server has no such entry in the vault: check the key", ErrNotFound)
	default:
		return "", d.refused(r.status)
	}
	var answer struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	if err := d.call.decode(r, &answer); err != nil {
		return "", err
	}
	if len(answer.Data) == 0 {
		return "", fmt.Errorf("%w: the entry in devolutions server holds no credentials", ErrNotFound)
	}
	if !named {
		return encodeJSON(answer.Data)
	}
	var value string
	if json.Unmarshal(answer.Data[field], &value) != nil || value == "" {
		return "", fmt.Errorf("%w: the entry in devolutions server has no field %q", ErrNotFound, field)
	}
	return value, nil
}

// Put answers ErrReadOnly.
func (d *DVLS) Put(context.Context, string, string) error { return ErrReadOnly }

// Delete answers ErrReadOnly.
func (d *DVLS) Delete(context.Context, string) error { return ErrReadOnly }

// login signs the application in.
func (d *DVLS) login(ctx context.Context) (session string, err error) {
	form := url.Values{"AppKey": {d.appKey}, "AppSecret": {d.secret}}
	r, err := d.call.do(ctx, http.MethodPost, "/api/v1/login", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
	if err != nil {
		return "", err
	}
	if r.status != http.StatusOK {
		return "", d.refused(r.status)
	}
	var answer struct {
		TokenID string `json:"tokenId"`
	}
	if err := d.call.decode(r, &answer); err != nil {
		return "", err
	}
	if answer.TokenID == "" {
		return "", fmt.Errorf("%w: devolutions server does not sign the application in: check app key and secret", ErrRefused)
	}
	return answer.TokenID, nil
}

func (d *DVLS) test(ctx context.Context) error {
	_, err := d.login(ctx)
	return err
}

// refused explains an answer that is none of the good ones.
func (d *DVLS) refused(status int) error {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return fmt.Errorf("%w: devolutions server refuses the application: check app key, secret and its rights on the vault", ErrRefused)
	}
	return fmt.Errorf("devolutions server answers %d: %w", status, errors.New("check url and vault of the storage"))
}
