package export_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// quick is a lock that does not take a second.
func quick(passphrase string) export.BackupLock {
	return export.BackupLock{Passphrase: passphrase, WorkFactor: 10}
}

// sealed is a project with its secrets, encrypted.
func sealed(t testing.TB, lock export.BackupLock) []byte {
	t.Helper()
	st, ring := memory.New(memory.Config{}), newRing(t)
	p := write(t, st, ring, 3, 3)
	b, err := export.Project(t.Context(), st, p.ID, export.ProjectOptions{Secrets: ring})
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, b.Encrypt(&file, lock))
	return file.Bytes()
}

func TestSecretsComeBackFromAnEncryptedBackup(t *testing.T) {
	t.Parallel()
	identity, recipient, err := export.NewBackupIdentity()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		lock export.BackupLock
		with export.BackupOpener
	}{
		"by passphrase": {quick("correct horse"), export.BackupOpener{Passphrase: "correct horse"}},
		"by key":        {export.BackupLock{Recipient: recipient}, export.BackupOpener{Identity: "# mine\n" + identity + "\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to, old, fresh := memory.New(memory.Config{}), memory.New(memory.Config{}), newRing(t), newRing(t)
			p := write(t, from, old, 8, 5)
			b, err := export.Project(t.Context(), from, p.ID, export.ProjectOptions{Secrets: old})
			require.NoError(t, err)
			require.True(t, b.HasSecrets())
			require.ErrorIs(t, b.Encode(&bytes.Buffer{}), export.ErrSecrets)
			var file bytes.Buffer
			require.NoError(t, b.Encrypt(&file, c.lock))
			require.NotContains(t, file.String(), canary)

			var read export.Backup
			require.NoError(t, read.Decrypt(bytes.NewReader(file.Bytes()), "p.sealed", c.with))
			opts := restoreOptions(user(t, to))
			_, err = export.Restore(t.Context(), to, &read, opts)
			require.ErrorContains(t, err, "no ring")
			opts.Ring = fresh
			report, err := export.Restore(t.Context(), to, &read, opts)
			require.NoError(t, err)
			require.Empty(t, report.Keys)
			want, got := content(t, from, p.ID, old), content(t, to, report.Project.ID, fresh)
			for kind := range want {
				require.Equal(t, sorted(want[kind]), sorted(got[kind]), kind)
			}
		})
	}
}

func TestPlainAndEncryptedBackupsAreNotMistaken(t *testing.T) {
	t.Parallel()
	var b export.Backup
	file := sealed(t, quick("x"))
	require.True(t, export.IsEncrypted(file))
	require.ErrorIs(t, b.Decode(bytes.NewReader(file), "p.sealed"), export.ErrEncrypted)
	plain := []byte(`{"meta":{"name":"x"}}`)
	require.False(t, export.IsEncrypted(plain))
	require.ErrorIs(t, b.Decrypt(bytes.NewReader(plain), "p.json", export.BackupOpener{Passphrase: "x"}), export.ErrNotEncrypted)
	require.ErrorIs(t, b.Decode(bytes.NewReader([]byte(`{"meta":{"name":"x"},"keys":[{"name":"k","type":"string","owner":"","semaphore_go":{"secret":"s"}}]}`)), ""), export.ErrSecrets)
	require.Empty(t, b.Keys, "nothing of it stays")
}

func TestLocksAndKeysThatCannotBe(t *testing.T) {
	t.Parallel()
	identity, recipient, err := export.NewBackupIdentity()
	require.NoError(t, err)
	other, _, err := export.NewBackupIdentity()
	require.NoError(t, err)
	var b export.Backup
	for _, lock := range []export.BackupLock{{}, {Passphrase: "x", Recipient: recipient}, {Recipient: "age1nonsense"}} {
		require.Error(t, b.Encrypt(&bytes.Buffer{}, lock))
	}
	byKey, byPassphrase := sealed(t, export.BackupLock{Recipient: recipient}), sealed(t, quick("right"))
	for name, c := range map[string]struct {
		file []byte
		with export.BackupOpener
		is   error
	}{
		"another passphrase":  {byPassphrase, export.BackupOpener{Passphrase: "wrong"}, export.ErrWrongKey},
		"another key":         {byKey, export.BackupOpener{Identity: other}, export.ErrWrongKey},
		"a passphrase at all": {byKey, export.BackupOpener{Passphrase: "right"}, export.ErrBackup},
		"a key at all":        {byPassphrase, export.BackupOpener{Identity: identity}, export.ErrBackup},
	} {
		err := b.Decrypt(bytes.NewReader(c.file), "p.sealed", c.with)
		require.ErrorIs(t, err, c.is, name)
		require.ErrorIs(t, err, export.ErrBackup, name)
	}
	err = b.Decrypt(bytes.NewReader(byKey), "", export.BackupOpener{Identity: "AGE-SECRET-KEY-1" + canary})
	require.Error(t, err)
	require.NotContains(t, err.Error(), canary)
}

func TestEncryptedBackupsThatAreDamaged(t *testing.T) {
	t.Parallel()
	identity, recipient, err := export.NewBackupIdentity()
	require.NoError(t, err)
	file := sealed(t, export.BackupLock{Recipient: recipient})
	for i := range 100 {
		var b export.Backup
		require.ErrorIs(t, b.Decrypt(bytes.NewReader(file[:len(file)*i/100]), "p", export.BackupOpener{Identity: identity}), export.ErrBackup, "%d percent", i)
		changed := bytes.Clone(file)
		changed[len(changed)*i/100] ^= 1 << (i % 8)
		require.ErrorIs(t, b.Decrypt(bytes.NewReader(changed), "p", export.BackupOpener{Identity: identity}), export.ErrBackup, "byte at %d percent", i)
	}
}
