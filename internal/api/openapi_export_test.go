package api

// Operations lists the routes that are described.
func Operations() []string {
	var list []string
	for _, op := range operations() {
		list = append(list, op.route)
	}
	return list
}
