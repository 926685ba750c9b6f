package export

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// EncryptedExtension is what names of files with encrypted backups end in.
const EncryptedExtension = ".sealed"

// encryptedMagic is the first line of an encrypted backup. What follows is a
// file of age (age-encryption.org/v1) with the JSON inside, so that its tools open
// it where this program is not at hand.
const encryptedMagic = "semaphore-project-encrypted/v1\n"

// maxWorkFactor bounds what a file may ask for to try a passphrase: 2^20 are some
// seconds and 1 GiB.
const maxWorkFactor = 20

// BackupLock says who can open an encrypted backup. Exactly one is given.
type BackupLock struct {
	// Passphrase opens it. It is stretched by scrypt; long ones are better all the
	// same.
	Passphrase string
	// Recipient is the public key of whoever can open it, age1..., as
	// [NewBackupIdentity] makes it.
	Recipient string
	// WorkFactor is the logarithm of the rounds of scrypt. Defaults to 18, about a
	// second.
	WorkFactor int
}

// BackupOpener opens what a [BackupLock] has closed. Exactly one is given.
type BackupOpener struct {
	Passphrase string
	// Identity is the secret key that belongs to a recipient, AGE-SECRET-KEY-1...;
	// there may be several, and comments, in lines of their own.
	Identity string
}

// NewBackupIdentity makes a pair of keys: the secret one that opens backups, to be
// kept apart from them, and the public one that they are encrypted for.
func NewBackupIdentity() (identity, recipient string, err error) {
	pair, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("make a key for backups: %w", err)
	}
	return pair.String(), pair.Recipient().String(), nil
}

func (l BackupLock) recipient() (age.Recipient, error) {
	switch {
	case (l.Passphrase == "") == (l.Recipient == ""):
		return nil, errors.New("encrypt backup: give either a passphrase or a recipient")
	case l.Recipient != "":
		to, err := age.ParseX25519Recipient(strings.TrimSpace(l.Recipient))
		if err != nil {
			return nil, errors.New("encrypt backup: the recipient is no public key of age: it begins with age1")
		}
		return to, nil
	}
	to, err := age.NewScryptRecipient(l.Passphrase)
	if err != nil {
		return nil, fmt.Errorf("encrypt backup: %w", err)
	}
	if l.WorkFactor > 0 {
		to.SetWorkFactor(min(l.WorkFactor, maxWorkFactor))
	}
	return to, nil
}

func (o BackupOpener) identities() ([]age.Identity, error) {
	switch {
	case (o.Passphrase == "") == (o.Identity == ""):
		return nil, errors.New("open backup: give either a passphrase or a secret key")
	case o.Identity != "":
		list, err := age.ParseIdentities(strings.NewReader(o.Identity))
		if err != nil { // whose text may hold the key
			return nil, errors.New("open backup: the secret key is none of age: it begins with AGE-SECRET-KEY-1")
		}
		return list, nil
	}
	with, err := age.NewScryptIdentity(o.Passphrase)
	if err != nil {
		return nil, errors.New("open backup: the passphrase cannot be used")
	}
	with.SetMaxWorkFactor(maxWorkFactor)
	return []age.Identity{with}, nil
}

// IsEncrypted tells whether data begins as an encrypted backup does.
func IsEncrypted(data []byte) bool { return bytes.HasPrefix(data, []byte(encryptedMagic)) }

// Encrypt writes the backup so that only who has the passphrase or key can read
// it, secrets included.
func (b *Backup) Encrypt(w io.Writer, lock BackupLock) error {
	to, err := lock.recipient()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, encryptedMagic); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return fmt.Errorf("encrypt backup: %w", err)
	}
	if err := b.encode(sealed); err != nil {
		return err
	}
	if err := sealed.Close(); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}

// Decrypt reads what [Backup.Encrypt] wrote, in place of what b held. file names
// it in errors. What was changed or cut, or another passphrase or key has closed,
// is a *[BackupError].
func (b *Backup) Decrypt(r io.Reader, file string, with BackupOpener) error {
	identities, err := with.identities()
	if err != nil {
		return err
	}
	data, err := readAll(r, file)
	if err != nil {
		return err
	}
	if !IsEncrypted(data) {
		return &BackupError{File: file, Reason: ErrNotEncrypted.Error(), cause: ErrNotEncrypted}
	}
	var wrong *age.NoIdentityMatchError
	plain, err := age.Decrypt(bytes.NewReader(data[len(encryptedMagic):]), identities...)
	switch {
	case errors.As(err, &wrong):
		return &BackupError{File: file, Reason: "another passphrase or key has closed it: use that one", cause: ErrWrongKey}
	case err != nil:
		return spoiled(file)
	}
	text, err := readAll(plain, file)
	switch {
	case errors.Is(err, ErrLarge):
		return err
	case err != nil:
		return spoiled(file)
	}
	return b.unmarshal(text, file)
}

func spoiled(file string) error {
	return &BackupError{File: file, Reason: "was changed or cut off: take another copy"}
}
