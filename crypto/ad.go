package crypto

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// AD says where a sealed value lives. It is authenticated, not stored: a value
// moved to another row or field does not open. Table and Field are required;
// ProjectID is 0 for what belongs to no project.
type AD struct {
	Table     string
	ProjectID int64
	ID        int64
	Field     string
}

// String names the place, for logs and errors.
func (ad AD) String() string {
	return fmt.Sprintf("%s.%s of row %d in project %d", ad.Table, ad.Field, ad.ID, ad.ProjectID)
}

func (ad AD) check() error {
	if ad.Table == "" || ad.Field == "" {
		return errors.New("associated data needs a table and a field")
	}
	return nil
}

// encode is unambiguous: texts have their length in front, the rest has a
// fixed size.
func (ad AD) encode(form, keyID string) []byte {
	b := appendText(nil, "semaphore crypto v1")
	b = appendText(b, form)
	b = appendText(b, keyID)
	b = appendText(b, ad.Table)
	b = binary.BigEndian.AppendUint64(b, uint64(ad.ProjectID))
	b = binary.BigEndian.AppendUint64(b, uint64(ad.ID))
	return appendText(b, ad.Field)
}

func appendText(b []byte, text string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}
