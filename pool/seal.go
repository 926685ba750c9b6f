package pool

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/crypto"
)

// Some values are sealed before their row has an id. Their associated data
// names table, project and field; what binds them to their place stands inside,
// in front of the value.
var (
	surveyField = crypto.AD{Table: "task", Field: "secrets"}
	stateField  = crypto.AD{Table: "terraform_state", Field: "data"}
)

// errMoved tells that a sealed value stands where it was not sealed for.
var errMoved = errors.New("value was sealed for another place")

// sealBound seals a value for a place in a project.
func sealBound(ring *crypto.Ring, ad crypto.AD, project int64, place string, plain []byte) ([]byte, error) {
	ad.ProjectID = project
	bound := binary.AppendUvarint(nil, uint64(len(place)))
	bound = append(bound, place...)
	sealed, err := ring.SealBytes(append(bound, plain...), ad)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// openBound opens a value that was sealed for that place.
func openBound(ring *crypto.Ring, ad crypto.AD, project int64, place string, sealed []byte) ([]byte, error) {
	ad.ProjectID = project
	bound, err := ring.OpenBytes(sealed, ad)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	size, n := binary.Uvarint(bound)
	if n <= 0 || size > uint64(len(bound)-n) || string(bound[n:n+int(size)]) != place {
		return nil, errMoved
	}
	return bound[n+int(size):], nil
}
