package api

// nameLimit is how many bytes the name of a row may have, whatever kind it is.
const nameLimit = 255

// checkName refuses names that are longer than those of any row may be; field
// is what the body calls the name.
func checkName(field, name string) error {
	if len(name) > nameLimit {
		return invalid(field, "is longer than %d bytes", nameLimit)
	}
	return nil
}
