package server_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/server"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// sealedWithAnother are options for a database whose secrets another key sealed.
func sealedWithAnother(t *testing.T) (o server.Options, theirs crypto.Key) {
	t.Helper()
	o, theirs = options(t), crypto.GenerateKey()
	o.Store = shared{o.Store}
	ring, err := crypto.NewRing(theirs)
	require.NoError(t, err)
	p, err := pool.New(o.Store, pool.Config{Ring: ring})
	require.NoError(t, err)
	project, err := o.Store.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	_, err = p.SaveKey(t.Context(), store.AccessKey{ProjectID: project.ID, Name: "k", Type: store.KeyString, String: "hunter2"})
	require.NoError(t, err)
	return o, theirs
}

// other is another server of the database, until the test ends.
func other(t *testing.T, st store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := nodes.New(st, nodes.Config{})
	var beating sync.WaitGroup
	beating.Go(func() { r.Run(ctx) })
	t.Cleanup(func() { cancel(); beating.Wait() })
	require.Eventually(t, func() bool {
		list, err := r.List(t.Context())
		return err == nil && len(list) == 1 && list[0].Alive
	}, 10*time.Second, 5*time.Millisecond)
}

// serves runs a server until it is ready, and ends it.
func serves(t *testing.T, o server.Options) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Ready = func(string) { cancel() }
	return server.Run(ctx, o)
}

func TestAServerWithAnotherKeyDoesNotJoin(t *testing.T) {
	t.Parallel()
	o, theirs := sealedWithAnother(t)
	other(t, o.Store)
	require.ErrorContains(t, serves(t, o), "give all of them the same access_key_encryption")
	require.NoError(t, o.Ring.Add(theirs))
	require.NoError(t, serves(t, o), "a ring that has the key, for which of the two is the newer does not matter")
}

func TestAServerThatIsAloneIsToldOfAnotherKey(t *testing.T) {
	t.Parallel()
	o, _ := sealedWithAnother(t)
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	require.NoError(t, serves(t, o))
	require.Contains(t, log.String(), "no secret of the database opens with the key that is configured")
}
