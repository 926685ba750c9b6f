package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// A transaction that fails leaves nothing behind.
func ExampleStore_InTx() {
	ctx := context.Background()
	s := memory.New(memory.Config{})
	err := s.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		if _, err := tx.Projects().Create(ctx, store.Project{Name: "demo"}); err != nil {
			return err
		}
		return errors.New("changed my mind")
	})
	n, _ := s.Projects().Count(ctx, 0, store.Query{})
	fmt.Println(err, n)
	// Output: changed my mind 0
}
