package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/store"
)

// keySample is how many sealed values are looked at to tell whose key it is.
const keySample = 200

// errOtherKey tells that the servers of a database do not have the same key.
var errOtherKey = errors.New("the secrets of this database were sealed with another key than the one configured here, and other servers are at work: " +
	"give all of them the same access_key_encryption, and after a change of it the one before as old_access_key_encryption")

// checkKey refuses a key that opens nothing in the database while other servers
// work there: tasks that came to this one would fail, and what it sealed the
// others could not open. A server that is alone is told, but starts, for a key
// may be lost for good.
func (o Options) checkKey(ctx context.Context) error {
	strange, err := opensNothing(ctx, o.Store.Sealed(), o.Ring)
	if err != nil || !strange {
		return err
	}
	list, err := nodes.New(o.Store, nodes.Config{Log: o.Log}).List(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(n nodes.Node) bool { return n.Alive }) {
		return errOtherKey
	}
	o.Log.Warn("no secret of the database opens with the key that is configured: set access_key_encryption to the one that sealed them, or enter them anew")
	return nil
}

// opensNothing tells whether there are sealed values, and the ring has the key of
// none.
func opensNothing(ctx context.Context, sealed store.SealedStore, ring *crypto.Ring) (bool, error) {
	ids, foreign := ring.IDs(), 0
	for after := ""; foreign < keySample; {
		values, next, err := sealed.List(ctx, after, keySample)
		if err != nil {
			return false, fmt.Errorf("look for sealed values: %w", err)
		}
		for _, v := range values {
			id, ok := crypto.SealedWith(v.Value)
			if ok && slices.Contains(ids, id) {
				return false, nil
			}
			if ok {
				foreign++
			}
		}
		if after = next; after == "" {
			break
		}
	}
	return foreign > 0, nil
}
