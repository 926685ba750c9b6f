package api

import "slices"

// right is what a route asks of whoever calls it.
type right int

const (
	anyone    right = iota // nobody has to be signed in
	pending                // signed in, the second factor may be missing
	signedIn               // a user
	admin                  // a global administrator
	member                 // a member of the project, whatever the role
	canRun                 // member with the bit to run tasks
	canUpdate              // member with the bit to change the project
	canManage              // member with the bit to change its resources
	canUsers               // member with the bit to change its members
)

// String names the right.
func (r right) String() string {
	return [...]string{"anyone", "pending", "signed in", "admin", "member", "run", "update", "manage", "users"}[r]
}

// route is a line of the table.
type route struct {
	method string
	path   string // below /api; the parameter project makes it one of a project
	right  right
	handle func(*call) error

	// late tells that the handler asks for the right, because it depends on what
	// the body names.
	late bool
	// open takes it out of the check against requests of other sites: it does not
	// go by cookies.
	open bool
	// cached tells that a reply is kept until something in the store changes.
	cached bool
	// limit is how many bytes of a body are read. Defaults to 1 MiB.
	limit int64
}

// table lists all routes.
func (s *Server) table() []route {
	return slices.Concat(
		s.publicRoutes(),
		s.docRoutes(),
		s.signInRoutes(),
		s.accountRoutes(),
		s.adminRoutes(),
		s.projectRoutes(),
		s.backupRoutes(),
		s.memberRoutes(),
		s.keyRoutes(),
		s.repositoryRoutes(),
		s.inventoryRoutes(),
		s.environmentRoutes(),
		s.storageRoutes(),
		s.viewRoutes(),
		s.templateRoutes(),
		s.taskRoutes(),
		s.outputRoutes(),
		s.scheduleRoutes(),
		s.integrationRoutes(),
		s.webhookRoutes(),
		s.terraformRoutes(),
		s.runnerRoutes(),
		s.internalRunnerRoutes(),
	)
}

// Routes lists method and path of every route, for documents and tests.
func (s *Server) Routes() [][3]string {
	list := make([][3]string, 0, len(s.routes))
	for _, r := range s.routes {
		list = append(list, [3]string{r.method, "/api" + r.path, r.right.String()})
	}
	return list
}
