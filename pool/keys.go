package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// keyAD binds the secret of a key to its row.
func keyAD(key store.AccessKey) crypto.AD {
	return crypto.AD{Table: "access_key", ProjectID: key.ProjectID, ID: key.ID, Field: "secret"}
}

// SaveKey stores a key with its secret sealed: a new one where ID is 0. The
// secret is taken from String, LoginPassword or SSH, as Type says. Of an
// existing key only the name changes, unless OverrideSecret is set: then type,
// secret and source do, and whose key it is stays. An ssh key has to be one that
// can be opened with its passphrase. The returned key carries no secret.
func (p *TaskPool) SaveKey(ctx context.Context, key store.AccessKey) (store.AccessKey, error) {
	err := p.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		var err error
		key, err = p.SaveKeyTx(ctx, tx, key)
		return err
	})
	return key, err
}

// SaveKeyTx is SaveKey inside a transaction.
func (p *TaskPool) SaveKeyTx(ctx context.Context, tx store.Store, key store.AccessKey) (store.AccessKey, error) {
	row, err := p.saveKey(ctx, tx, key)
	row.Secret, row.String, row.LoginPassword, row.SSH = nil, "", store.LoginPassword{}, store.SSHKey{}
	return row, err
}

func (p *TaskPool) saveKey(ctx context.Context, tx store.Store, key store.AccessKey) (store.AccessKey, error) {
	row := key
	var old store.AccessKey
	if key.ID != 0 {
		var err error
		if old, err = tx.Keys().Get(ctx, key.ProjectID, key.ID); err != nil {
			return key, fmt.Errorf("key %d: %w", key.ID, err)
		}
		if !key.OverrideSecret {
			old.Name = key.Name
			return old, saved(tx.Keys().Update(ctx, old))
		}
		row.Owner, row.EnvironmentID, row.StorageID, row.Plain = old.Owner, old.EnvironmentID, old.StorageID, old.Plain
	}
	plain, err := plainSecret(key)
	if err != nil {
		return key, err
	}
	row.Secret = nil
	if key.ID == 0 {
		if row, err = tx.Keys().Create(ctx, row); err != nil {
			return key, saved(err)
		}
	}
	if plain != nil {
		sealed, err := p.cfg.Ring.Seal(plain, keyAD(row))
		if err != nil {
			return key, fmt.Errorf("seal key: %w", err)
		}
		row.Secret = &sealed
	}
	return row, saved(tx.Keys().Update(ctx, row))
}

func saved(err error) error {
	if err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	return nil
}

// plainSecret is what is sealed for a key; nil where there is nothing.
func plainSecret(key store.AccessKey) ([]byte, error) {
	switch key.Type {
	case store.KeyNone:
		return nil, nil
	case store.KeyString:
		if key.String == "" {
			return nil, nil
		}
		return []byte(key.String), nil
	case store.KeyLoginPassword:
		if key.LoginPassword.Password == "" {
			if key.LoginPassword.Login != "" {
				return nil, refuse("login_password.password", "is empty: give the password that belongs to the login")
			}
			return nil, nil
		}
		return json.Marshal(key.LoginPassword)
	case store.KeySSH:
		if key.SSH.PrivateKey == "" {
			if key.SSH.Login != "" || key.SSH.Passphrase != "" {
				return nil, refuse("ssh.private_key", "is empty: paste the private key")
			}
			return nil, nil
		}
		if _, err := crypto.ParseSSHKey([]byte(key.SSH.PrivateKey), []byte(key.SSH.Passphrase)); err != nil {
			return nil, refuse("ssh.private_key", "%v", err)
		}
		return json.Marshal(key.SSH)
	default:
		return nil, refuse("type", "is %q: use ssh, login_password, string or none", key.Type)
	}
}

// keyOpener opens the keys of one claimed task.
type keyOpener struct {
	pool    *TaskPool
	project int64
}

// secretOf returns the content of a key, "" for an empty one.
func (o keyOpener) secretOf(ctx context.Context, id int64) (store.AccessKey, string, error) {
	key, err := o.pool.st.Keys().Get(ctx, o.project, id)
	if errors.Is(err, store.ErrNotFound) {
		return key, "", fmt.Errorf("key %d was deleted: choose another one and start the task anew", id)
	}
	if err != nil {
		return key, "", fmt.Errorf("key %d: %w", id, err)
	}
	if key.SourceStorageType != nil || key.SourceStorageID != nil {
		if o.pool.cfg.External == nil {
			return key, "", fmt.Errorf("key %q lives in a storage outside, which this program does not reach", key.Name)
		}
		text, err := o.pool.cfg.External(ctx, key)
		if err != nil {
			return key, "", fmt.Errorf("key %q: %w", key.Name, err)
		}
		return key, text, nil
	}
	if key.Secret == nil || *key.Secret == "" {
		return key, "", nil
	}
	plain, err := o.pool.cfg.Ring.OpenAny(*key.Secret, keyAD(key))
	if err != nil {
		return key, "", fmt.Errorf("key %q cannot be opened: %w", key.Name, err)
	}
	return key, string(plain), nil
}

// key opens a key of the key store; id 0 is none.
func (o keyOpener) key(ctx context.Context, id int64) (*job.Key, error) {
	if id == 0 {
		return nil, nil
	}
	row, text, err := o.secretOf(ctx, id)
	if err != nil {
		return nil, err
	}
	key := &job.Key{ID: row.ID, Name: row.Name, Type: job.KeyNone}
	switch row.Type {
	case store.KeyNone:
		return key, nil
	case store.KeyLoginPassword:
		var c store.LoginPassword
		if err := decodeKey(row, text, &c); err != nil {
			return nil, err
		}
		key.Type, key.Login, key.Password = job.KeyLoginPassword, c.Login, job.NewSecret(c.Password)
	case store.KeySSH:
		var c store.SSHKey
		if strings.HasSuffix(text, "\n") && !strings.HasPrefix(text, "{") {
			c.PrivateKey = text // what old installations stored
		} else if err := decodeKey(row, text, &c); err != nil {
			return nil, err
		}
		key.Type, key.Login = job.KeySSH, c.Login
		key.PrivateKey, key.Passphrase = job.NewSecret(c.PrivateKey), job.NewSecret(c.Passphrase)
	default:
		return nil, fmt.Errorf("key %q is of type %s, which signs in nowhere: choose another one", row.Name, row.Type)
	}
	return key, nil
}

func decodeKey(key store.AccessKey, text string, into any) error {
	if text == "" {
		return fmt.Errorf("key %q is empty: fill it in", key.Name)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("key %q is damaged: enter it anew", key.Name) // the error would show the value
	}
	return nil
}

// text opens a secret that is one text: a variable, or the password of a key.
func (o keyOpener) text(ctx context.Context, id int64) (job.Secret, error) {
	key, text, err := o.secretOf(ctx, id)
	if err != nil {
		return job.Secret{}, err
	}
	switch key.Type {
	case store.KeyString:
		return job.NewSecret(text), nil
	case store.KeyLoginPassword:
		var c store.LoginPassword
		if err := decodeKey(key, text, &c); err != nil {
			return job.Secret{}, err
		}
		return job.NewSecret(c.Password), nil
	default:
		return job.Secret{}, fmt.Errorf("key %q is of type %s: a password is needed", key.Name, key.Type)
	}
}
