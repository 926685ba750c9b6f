package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

type plain struct{ store.Store }

type owned struct{ store.Store }

func (owned) Own(context.Context) (func() error, error) { return nil, nil }

type decorator struct {
	store.Store
	name string
}

func (d decorator) Unwrap() store.Store { return d.Store }

func TestAsLooksAtWhatIsWrapped(t *testing.T) {
	t.Parallel()
	wrap := func(s store.Store) store.Store { return decorator{decorator{s, "inner"}, "outer"} }
	for name, tc := range map[string]struct {
		s    store.Store
		want bool
	}{
		"nothing":                       {nil, false},
		"a store without it":            {plain{}, false},
		"a store with it":               {owned{}, true},
		"a wrapped one":                 {wrap(owned{}), true},
		"a wrapped one without it":      {wrap(plain{}), false},
		"a decorator of nothing":        {wrap(nil), false},
		"a store that hides what it is": {plain{owned{}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, ok := store.As[store.Owned](tc.s)
			require.Equal(t, tc.want, ok)
			require.Equal(t, tc.want, found != nil)
		})
	}
	first, ok := store.As[decorator](wrap(plain{}))
	require.True(t, ok)
	require.Equal(t, "outer", first.name)
}
