package foreign

import (
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// builtIn are the roles that every installation has.
func builtIn(slug string) bool {
	switch slug {
	case "owner", "manager", "task_runner", "guest", "":
		return true
	}
	return false
}

func (r *reader) readProjects() error {
	return r.walk("project", "project", func(it *item) {
		if !it.numbered("project") {
			return
		}
		it.note.Project = 0
		r.register("project", it.note.ID, it.note.ID)
		n := len(r.rows.Projects)
		r.rows.Projects = append(r.rows.Projects, store.Project{
			ID: it.note.ID, Created: it.created(), Name: it.text("name"), Alert: it.flag("alert"), AlertChat: it.filled("alert_chat"),
			MaxParallelTasks: it.small("max_parallel_tasks"), Type: it.text("type"), DefaultSecretStorageID: it.id("default_secret_storage_id"),
		})
		note := it.note
		r.later = append(r.later, func() {
			p := &r.rows.Projects[n]
			if id := p.DefaultSecretStorageID; id != nil && !r.within("project__secret_storage", *id, p.ID) {
				p.DefaultSecretStorageID = nil
				note.Field, note.Reason = "default_secret_storage_id", "named a storage that does not exist in the project: it names none"
				r.rep.changed("project", note)
			}
		})
	})
}

func (r *reader) readRoles() error {
	return r.walk("role", "role", func(it *item) {
		slug := it.text("slug")
		it.note.Name = slug
		project := it.id("project_id")
		switch {
		case slug == "":
			it.refuse("has no slug")
		case r.roles[strings.ToLower(slug)]:
			it.refuse("there is another role of that slug")
		case project != nil && !r.knows("project", *project):
			it.refuse("belongs to project %d, which does not exist", *project)
		default:
			r.roles[strings.ToLower(slug)] = true
			name := it.text("name")
			if name == "" {
				name = slug
			}
			r.rows.Roles = append(r.rows.Roles, store.Role{
				ID: r.fresh("role"), Slug: slug, Name: name, Permissions: it.number("permissions") & 15, ProjectID: project,
			})
		}
	})
}

// role is a slug that exists; another one gives no rights.
func (it *item) role(field string) string {
	slug := it.text(field)
	if !builtIn(slug) && !it.r.roles[strings.ToLower(slug)] {
		it.change(field, "is %q, which is no role: it gives no rights until there is one", slug)
	}
	return slug
}

func (r *reader) readMembers() error {
	taken := map[[2]int64]bool{}
	return r.walk("project__user", "member", func(it *item) {
		project, user := it.note.Project, it.number("user_id")
		it.note = Note{Project: project}
		switch {
		case !r.knows("project", project):
			it.refuse("the project does not exist")
		case !r.users[user]:
			it.refuse("user %d does not exist", user)
		case taken[[2]int64{project, user}]:
			it.refuse("user %d is a member already", user)
		default:
			taken[[2]int64{project, user}] = true
			m := store.Member{ID: r.fresh("member"), ProjectID: project, UserID: user, Role: it.role("role")}
			if it.value("role") == nil {
				m.Role = "manager" // the default of the old table
			}
			r.rows.Members = append(r.rows.Members, m)
		}
	})
}

func (r *reader) readInvites() error {
	tokens, users, mails := map[string]bool{}, map[[2]int64]bool{}, map[string]bool{}
	return r.walk("project__invite", "invite", func(it *item) {
		if !it.placed("project__invite") {
			return
		}
		i := store.Invite{
			ID: it.note.ID, ProjectID: it.note.Project, UserID: it.id("user_id"), Email: it.filled("email"), Role: it.role("role"),
			Status: it.text("status"), InviterUserID: it.number("inviter_user_id"), Created: it.created(),
			Expires: it.time("expires_at"), Accepted: it.time("accepted_at"),
		}
		token := it.text("token")
		i.Token = crypto.HashToken(token)
		mail := ""
		if i.Email != nil {
			mail = strings.ToLower(*i.Email)
		}
		user := [2]int64{i.ProjectID}
		if i.UserID != nil {
			user[1] = *i.UserID
		}
		switch {
		case token == "" || tokens[i.Token]:
			it.refuse("has no token of its own")
		case !r.users[i.InviterUserID]:
			it.refuse("was sent by user %d, who does not exist", i.InviterUserID)
		case i.UserID != nil && !r.users[*i.UserID]:
			it.refuse("is for user %d, who does not exist", *i.UserID)
		case i.UserID != nil && users[user], mail != "" && mails[it.text("project_id")+" "+mail]:
			it.refuse("there is another one for the same person")
		default:
			tokens[i.Token], users[user], mails[it.text("project_id")+" "+mail] = true, true, true
			r.rows.Invites = append(r.rows.Invites, i)
		}
	})
}

func (r *reader) readViews() error {
	return r.walk("project__view", "view", func(it *item) {
		it.note.Name = it.text("title")
		if !it.placed("project__view") {
			return
		}
		v := store.View{
			ID: it.note.ID, ProjectID: it.note.Project, Title: it.text("title"), Position: it.small("position"), Type: it.text("type"),
			Hidden: it.flag("hidden"), Filter: it.filled("filter"), SortColumn: it.filled("sort_column"), SortReverse: it.flag("sort_reverse"),
		}
		if v.Type != "" && v.Type != "all" {
			it.change("type", "was %q: it is one of its own", v.Type)
			v.Type = ""
		}
		r.rows.Views = append(r.rows.Views, v)
	})
}

func (r *reader) readRunners() error {
	taken := map[string]bool{}
	return r.walk("runner", "runner", func(it *item) {
		if !it.numbered("runner") {
			return
		}
		project := it.id("project_id")
		if project != nil && !r.knows("project", *project) {
			it.refuse("belongs to project %d, which does not exist", *project)
			return
		}
		row := store.Runner{
			ID: it.note.ID, ProjectID: project, Webhook: it.text("webhook"), MaxParallelTasks: it.small("max_parallel_tasks"),
			Active: it.flagOr("active", true), Name: it.text("name"), Tag: it.text("tag"), Touched: it.time("touched"),
		}
		token := it.text("token")
		if token == "" || taken[token] {
			token = crypto.Token(33) // which nobody knows
			row.Active = false
			it.change("token", "there was none of its own: the runner is switched off and has to be registered anew")
		}
		taken[token] = true
		row.TokenHash = crypto.HashToken(token)
		it.change("public_key", "runners of Semaphore UI speak another protocol: put semaphore-runner in its place, with the same configuration and token")
		r.register("runner", row.ID, 0)
		r.rows.Runners = append(r.rows.Runners, row)
	})
}
