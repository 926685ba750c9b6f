package crypto

// hidden keeps a secret behind two pointers. Where fmt may not call methods,
// as with a field of a foreign type, it shows a pointer as an address; but a
// verb that does not fit, such as %s, makes it print what the pointer leads to.
type hidden[T any] struct{ p **T }

func hide[T any](secret *T) hidden[T] { return hidden[T]{&secret} }

// get returns nil for the zero value.
func (h hidden[T]) get() *T {
	if h.p == nil {
		return nil
	}
	return *h.p
}
