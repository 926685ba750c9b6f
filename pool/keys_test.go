package pool_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// privateKey is a fresh one in OpenSSH's form, sealed if there is a passphrase.
func privateKey(t *testing.T, passphrase string) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	require.NoError(t, err)
	return string(pem.EncodeToMemory(block))
}

// signingIn runs a playbook whose hosts are reached with a key, and returns the
// task and, where it ran, the key as the run saw it.
func signingIn(t *testing.T, p *pooltest.Pool, key int64) (store.Task, *job.Key) {
	t.Helper()
	inv, err := p.Store().Inventories().Create(t.Context(), store.Inventory{ProjectID: p.Project.ID, Name: "hosts", Type: store.InventoryStatic, Inventory: "web1", SSHKeyID: &key})
	require.NoError(t, err)
	before := len(p.Fake.Runs())
	task := p.Add(p.Template(store.Template{App: "ansible", Playbook: "site.yml", InventoryID: &inv.ID}))
	done, err := p.Wait(t.Context(), task.ProjectID, task.ID)
	require.NoError(t, err)
	runs := p.Fake.Runs()
	if len(runs) == before {
		return done, nil
	}
	return done, runs[before].Inventory.UserKey
}

// secretless requires that a text is nowhere in what people may read.
func secretless(t *testing.T, p *pooltest.Pool, secret string, more ...any) {
	t.Helper()
	tasks, err := p.Store().Tasks().List(t.Context(), store.TaskFilter{})
	require.NoError(t, err)
	keys, err := p.Store().Keys().List(t.Context(), p.Project.ID, store.Query{})
	require.NoError(t, err)
	var sealed []string
	for _, key := range keys.Items {
		if key.Secret != nil {
			sealed = append(sealed, *key.Secret)
		}
	}
	for _, task := range tasks.Items {
		snapshot, _, err := p.Store().Tasks().Snapshot(t.Context(), task.ProjectID, task.ID)
		require.NoError(t, err)
		more = append(more, string(snapshot), p.Log(task.Task))
	}
	text, err := json.Marshal(append(more, tasks, keys, sealed, events(t, p)))
	require.NoError(t, err)
	require.NotContains(t, string(text), secret)
	require.NotContains(t, string(text), base64.StdEncoding.EncodeToString([]byte(secret)))
}

func TestKeysOfEachType(t *testing.T) {
	t.Parallel()
	plain, locked := privateKey(t, ""), privateKey(t, canary)
	for _, c := range []struct {
		name   string
		key    store.AccessKey
		secret string // that must not show
		want   job.Key
	}{
		{"login and password", store.AccessKey{Type: store.KeyLoginPassword, LoginPassword: store.LoginPassword{Login: "alice", Password: canary}}, canary,
			job.Key{Type: job.KeyLoginPassword, Login: "alice", Password: job.NewSecret(canary)}},
		{"a password alone", store.AccessKey{Type: store.KeyLoginPassword, LoginPassword: store.LoginPassword{Password: canary}}, canary,
			job.Key{Type: job.KeyLoginPassword, Password: job.NewSecret(canary)}},
		{"a private key", store.AccessKey{Type: store.KeySSH, SSH: store.SSHKey{Login: "bob", PrivateKey: plain}}, "PRIVATE KEY",
			job.Key{Type: job.KeySSH, Login: "bob", PrivateKey: job.NewSecret(plain)}},
		{"a private key with a passphrase", store.AccessKey{Type: store.KeySSH, SSH: store.SSHKey{PrivateKey: locked, Passphrase: canary}}, canary,
			job.Key{Type: job.KeySSH, PrivateKey: job.NewSecret(locked), Passphrase: job.NewSecret(canary)}},
		{"none", store.AccessKey{Type: store.KeyNone, String: canary}, canary, job.Key{Type: job.KeyNone}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, pooltest.Options{})
			c.key.ProjectID, c.key.Name = p.Project.ID, "key"
			key, err := p.SaveKey(t.Context(), c.key)
			require.NoError(t, err)
			require.Empty(t, key.String+key.LoginPassword.Password+key.SSH.PrivateKey+key.SSH.Passphrase)
			require.Nil(t, key.Secret)
			done, used := signingIn(t, p, key.ID)
			require.Equal(t, store.Success, done.Status, done.Reason)
			require.Equal(t, []string{string(c.want.Type), c.want.Login, c.want.Password.Reveal(), c.want.PrivateKey.Reveal(), c.want.Passphrase.Reveal()},
				[]string{string(used.Type), used.Login, used.Password.Reveal(), used.PrivateKey.Reveal(), used.Passphrase.Reveal()})
			secretless(t, p, c.secret, key)
		})
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	locked := privateKey(t, "right")
	for _, c := range []struct {
		name  string
		key   store.AccessKey
		field string
	}{
		{"an unknown type", store.AccessKey{Type: "token"}, "type"},
		{"a login without its password", store.AccessKey{Type: store.KeyLoginPassword, LoginPassword: store.LoginPassword{Login: canary}}, "login_password.password"},
		{"a passphrase without its key", store.AccessKey{Type: store.KeySSH, SSH: store.SSHKey{Passphrase: canary}}, "ssh.private_key"},
		{"a login without its key", store.AccessKey{Type: store.KeySSH, SSH: store.SSHKey{Login: "x"}}, "ssh.private_key"},
		{"what is no key", store.AccessKey{Type: store.KeySSH, SSH: store.SSHKey{PrivateKey: canary}}, "ssh.private_key"},
		{"another passphrase", store.AccessKey{Type: store.KeySSH, SSH: store.SSHKey{PrivateKey: locked, Passphrase: canary}}, "ssh.private_key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, pooltest.Options{Idle: true})
			c.key.ProjectID, c.key.Name = p.Project.ID, "key"
			key, err := p.SaveKey(t.Context(), c.key)
			var refused *job.FieldError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.field, refused.Field)
			require.NotContains(t, err.Error(), canary)
			require.Empty(t, key.SSH.Passphrase+key.LoginPassword.Login)
			n, err := p.Store().Keys().Count(t.Context(), p.Project.ID, store.Query{})
			require.NoError(t, err)
			require.Zero(t, n)
		})
	}
	t.Run("an empty one is kept, and says so when it is used", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{})
		key, err := p.SaveKey(t.Context(), store.AccessKey{ProjectID: p.Project.ID, Name: "hollow", Type: store.KeyLoginPassword})
		require.NoError(t, err)
		done, _ := signingIn(t, p, key.ID)
		require.Contains(t, done.Reason, `key "hollow" is empty`)
	})
}

func TestSavingAKeyAgain(t *testing.T) {
	t.Parallel()
	p := newPool(t, pooltest.Options{})
	env, err := p.Store().Environments().Create(t.Context(), store.Environment{ProjectID: p.Project.ID, Name: "group", JSON: "{}"})
	require.NoError(t, err)
	key, err := p.SaveKey(t.Context(), store.AccessKey{ProjectID: p.Project.ID, Name: "TOKEN", Type: store.KeyString, Owner: store.OwnerEnvironment, EnvironmentID: &env.ID, String: "first"})
	require.NoError(t, err)
	tpl := p.Template(store.Template{EnvironmentID: &env.ID})
	value := func() string {
		p.Await(p.Add(tpl), store.Success)
		runs := p.Fake.Runs()
		return runs[len(runs)-1].Secrets[0].Value.Reveal()
	}
	require.Equal(t, "first", value())

	_, err = p.SaveKey(t.Context(), store.AccessKey{ID: key.ID, ProjectID: p.Project.ID, Name: "RENAMED", String: "ignored"})
	require.NoError(t, err, "a name needs nothing else")
	require.Equal(t, "first", value())

	again, err := p.SaveKey(t.Context(), store.AccessKey{ID: key.ID, ProjectID: p.Project.ID, Name: "RENAMED", Type: store.KeyString, String: "second", OverrideSecret: true})
	require.NoError(t, err)
	require.Equal(t, env.ID, *again.EnvironmentID, "whose it is stays")
	require.Equal(t, "second", value())

	_, err = p.SaveKey(t.Context(), store.AccessKey{ID: key.ID, ProjectID: p.Project.ID, Name: "RENAMED", Type: store.KeyString, OverrideSecret: true})
	require.NoError(t, err)
	require.Empty(t, value())
	row, err := p.Store().Keys().Get(t.Context(), p.Project.ID, key.ID)
	require.NoError(t, err)
	require.Nil(t, row.Secret)

	_, err = p.SaveKey(t.Context(), store.AccessKey{ID: key.ID, ProjectID: p.Project.ID + 1, Name: "stolen"})
	require.ErrorIs(t, err, store.ErrNotFound)
}

// TestKeysOfSemaphoreUI opens what an installation of it has stored.
func TestKeysOfSemaphoreUI(t *testing.T) {
	t.Parallel()
	old := crypto.GenerateKey()
	ring, err := crypto.NewRing(crypto.GenerateKey(), old)
	require.NoError(t, err)
	login := []byte(`{"login":"alice","password":"` + canary + `"}`)
	private := privateKey(t, "")
	raw, err := base64.StdEncoding.DecodeString(old.Encode())
	require.NoError(t, err)
	block, err := aes.NewCipher(raw)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	nonce := make([]byte, gcm.NonceSize())
	for _, c := range []struct {
		name   string
		typ    store.KeyType
		stored string
		secret string
	}{
		{"sealed", store.KeyLoginPassword, base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, login, nil)), canary},
		{"without a key", store.KeyLoginPassword, base64.StdEncoding.EncodeToString(login), canary},
		{"a private key as it is", store.KeySSH, private, private},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, pooltest.Options{Config: pool.Config{Ring: ring}})
			key, err := p.Store().Keys().Create(t.Context(), store.AccessKey{ProjectID: p.Project.ID, Name: "old", Type: c.typ, Secret: &c.stored})
			require.NoError(t, err)
			done, used := signingIn(t, p, key.ID)
			require.Equal(t, store.Success, done.Status, done.Reason)
			require.Equal(t, c.secret, used.Password.Reveal()+used.PrivateKey.Reveal())
		})
	}
}

func TestKeysThatDoNotOpen(t *testing.T) {
	t.Parallel()
	t.Run("for they were moved to another row", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{})
		save := func(name string) store.AccessKey {
			key, err := p.SaveKey(t.Context(), store.AccessKey{ProjectID: p.Project.ID, Name: name, Type: store.KeyLoginPassword, LoginPassword: store.LoginPassword{Login: name, Password: canary}})
			require.NoError(t, err)
			key, err = p.Store().Keys().Get(t.Context(), p.Project.ID, key.ID)
			require.NoError(t, err)
			return key
		}
		weak, strong := save("weak"), save("strong")
		weak.Secret = strong.Secret
		require.NoError(t, p.Store().Keys().Update(t.Context(), weak))
		done, used := signingIn(t, p, weak.ID)
		require.Nil(t, used)
		require.Contains(t, done.Reason, `key "weak" cannot be opened`)
		require.Contains(t, done.Reason, "sealed for another place")
		require.Equal(t, []string{done.Reason}, p.Log(done))
		secretless(t, p, canary)
	})
	t.Run("for they are damaged inside", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{})
		stored := base64.StdEncoding.EncodeToString([]byte(canary))
		key, err := p.Store().Keys().Create(t.Context(), store.AccessKey{ProjectID: p.Project.ID, Name: "old", Type: store.KeyLoginPassword, Secret: &stored})
		require.NoError(t, err)
		done, _ := signingIn(t, p, key.ID)
		require.Contains(t, done.Reason, `key "old" is damaged`)
		require.NotContains(t, done.Reason, canary)
	})
	t.Run("for they sign in nowhere", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{})
		key, err := p.SaveKey(t.Context(), store.AccessKey{ProjectID: p.Project.ID, Name: "text", Type: store.KeyString, String: canary})
		require.NoError(t, err)
		done, _ := signingIn(t, p, key.ID)
		require.Contains(t, done.Reason, "signs in nowhere")
		secretless(t, p, canary)
	})
}

func TestKeysOutsideOfTheStore(t *testing.T) {
	t.Parallel()
	external := store.AccessKey{Name: "vaulted", Type: store.KeyLoginPassword, SourceStorageType: new("env"), SourceStorageKey: new("DEPLOY_LOGIN")}
	for _, c := range []struct {
		name  string
		fetch func(context.Context, store.AccessKey) (string, error)
		says  string // "" for a key that opens
	}{
		{"are fetched when they are needed", func(_ context.Context, key store.AccessKey) (string, error) {
			return `{"login":"` + *key.SourceStorageKey + `","password":"` + canary + `"}`, nil
		}, ""},
		{"may not be reached", func(context.Context, store.AccessKey) (string, error) { return "", errors.New("vault is sealed") }, `key "vaulted": vault is sealed`},
		{"may hold something else", func(context.Context, store.AccessKey) (string, error) { return canary, nil }, "is damaged"},
		{"are refused where nobody fetches them", nil, "does not reach"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, pooltest.Options{Config: pool.Config{External: c.fetch}})
			row := external
			row.ProjectID = p.Project.ID
			key, err := p.SaveKey(t.Context(), row)
			require.NoError(t, err)
			done, used := signingIn(t, p, key.ID)
			if c.says == "" {
				require.Equal(t, []string{"DEPLOY_LOGIN", canary}, []string{used.Login, used.Password.Reveal()})
			} else {
				require.Contains(t, done.Reason, c.says)
			}
			secretless(t, p, canary)
		})
	}
}
