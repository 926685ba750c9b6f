package store

// As returns s as a T, an optional interface or a backend's own type: s itself,
// or else the first one of those that it wraps, as long as each has a method
// Unwrap() Store. It is to a Store what errors.As is to an error.
func As[T any](s Store) (T, bool) {
	for s != nil {
		if found, ok := s.(T); ok {
			return found, true
		}
		decorator, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = decorator.Unwrap()
	}
	var none T
	return none, false
}
