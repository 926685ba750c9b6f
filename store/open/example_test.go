package open_test

import (
	"context"
	"fmt"
	"log"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/open"
)

func ExampleOpen() {
	ctx := context.Background()
	s, err := open.Open(ctx, "memory:", open.Config{}) // or sqlite:///var/lib/semaphore/semaphore.db
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	p, err := s.Projects().Create(ctx, store.Project{Name: "Web"})
	fmt.Println(p.Name, err)
	// Output: Web <nil>
}
