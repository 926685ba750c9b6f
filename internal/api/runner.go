package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) runnerRoutes() []route {
	const project = "/project/{project}"
	return slices.Concat(
		[]route{
			{method: "GET", path: "/runners", right: admin, handle: listAllRunners},
			{method: "POST", path: "/runners/enrollment", right: admin, handle: createEnrollment},
		},
		runnerTable("/runners", admin, admin),
		[]route{
			{method: "GET", path: project + "/runners", right: member, handle: listRunners},
			{method: "GET", path: project + "/runner_tags", right: member, handle: s.listRunnerTags},
		},
		runnerTable(project+"/runners", member, canManage),
	)
}

// runnerTable are the routes of the runners of a project, or of those of all.
func runnerTable(all string, read, write right) []route {
	one := all + "/{runner}"
	return []route{
		{method: "POST", path: all, right: write, handle: createRunner},
		{method: "GET", path: one, right: read, handle: showRunner},
		{method: "PUT", path: one, right: write, handle: updateRunner},
		{method: "POST", path: one, right: write, handle: updateRunner},
		{method: "DELETE", path: one, right: write, handle: deleteRunner},
		{method: "POST", path: one + "/active", right: write, handle: activateRunner},
		{method: "DELETE", path: one + "/cache", right: write, handle: cleanRunner},
	}
}

type runnerInput struct {
	rowIDs
	Name             string `json:"name"`
	Tag              string `json:"tag"`
	Webhook          string `json:"webhook"`
	MaxParallelTasks int    `json:"max_parallel_tasks"` // 0: no limit
	Active           bool   `json:"active"`
	// PublicKey is that of a pair which the runner has made itself, in PEM. It
	// counts for new runners only. Defaults to a new pair.
	PublicKey string `json:"public_key"`
}

// apply checks what a client says and takes it over a row.
func (in *runnerInput) apply(r *store.Runner) error {
	switch {
	case len(in.Tag) > 200:
		return invalid("tag", "is longer than 200 bytes")
	case isLine(in.Name) != nil:
		return invalid("name", "contains control characters")
	case isLine(in.Tag) != nil:
		return invalid("tag", "contains control characters")
	case in.MaxParallelTasks < 0:
		return invalid("max_parallel_tasks", "is below 0: 0 means no limit")
	}
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	if err := checkWebhook(in.Webhook); err != nil {
		return err
	}
	r.Name, r.Tag, r.Webhook, r.MaxParallelTasks, r.Active = in.Name, in.Tag, in.Webhook, in.MaxParallelTasks, in.Active
	return nil
}

func checkWebhook(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || len(text) > 1000 {
		return invalid("webhook", "is no address: write https://host/path, at most 1000 bytes, or nothing")
	}
	return nil
}

// listAllRunners lists the runners of all projects and those of each.
func listAllRunners(c *call) error { return c.listRunners(store.AnyScope) }

// listRunners lists the runners of the project.
func listRunners(c *call) error { return c.listRunners(c.project.ID) }

func (c *call) listRunners(scope int64) error {
	q, err := c.query([]string{"id", "name", "tag"}, true)
	if err != nil {
		return err
	}
	page, err := c.s.st.Runners().List(c.ctx(), scope, q)
	if err != nil {
		return err
	}
	return c.page(page.Items, page.Next)
}

// findRunner reads the runner of the path: one of the project, or, where the
// path names none, one that serves all.
func (c *call) findRunner(ctx context.Context, st store.Store) (store.Runner, error) {
	id, err := c.id("runner")
	if err != nil {
		return store.Runner{}, err
	}
	r, err := st.Runners().Get(ctx, c.project.ID, id)
	return r, named(err, "runner")
}

func showRunner(c *call) error {
	r, err := c.findRunner(c.ctx(), c.s.st)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, r)
}

// newRunner is a runner with its secrets, which are shown this once.
type newRunner struct {
	store.Runner
	Token      string `json:"token"`
	PrivateKey string `json:"private_key"` // PEM; "" where the runner has its own
}

// createRunner adds a runner. Only a hash of its token and the public half of
// its key are kept.
func createRunner(c *call) error {
	var in runnerInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := checkIDs(in, 0, c.project.ID); err != nil {
		return err
	}
	made := newRunner{Token: crypto.Token(33)}
	if err := in.apply(&made.Runner); err != nil {
		return err
	}
	made.TokenHash = crypto.HashToken(made.Token)
	if c.project.ID != 0 {
		made.ProjectID = &c.project.ID
	}
	if err := made.setKey(in.PublicKey); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) (err error) {
		if made.Runner, err = tx.Runners().Create(ctx, made.Runner); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventRunner, made.ID, "Runner %q created", made.Name)
	})
	if err != nil {
		return err
	}
	c.private()
	return c.json(http.StatusCreated, made)
}

// setKey takes the public key that was sent, or makes a pair.
func (r *newRunner) setKey(sent string) error {
	if sent != "" {
		public, err := crypto.ParseOldRunnerPublic([]byte(sent))
		if err != nil {
			return invalid("public_key", "is no RSA key in PEM: leave it out to get a new one")
		}
		text := string(public.PEM())
		r.PublicKey = &text
		return nil
	}
	private, err := crypto.GenerateOldRunnerKey()
	if err != nil {
		return err
	}
	text := string(private.Public().PEM())
	r.PublicKey, r.PrivateKey = &text, string(private.PEM())
	return nil
}

// changeRunner changes a runner in a transaction, and answers 204.
func (c *call) changeRunner(what string, change func(*store.Runner) error) error {
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		r, err := c.findRunner(ctx, tx)
		if err != nil {
			return err
		}
		if err := change(&r); err != nil {
			return err
		}
		if err := tx.Runners().Update(ctx, r); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventRunner, r.ID, "Runner %q %s", r.Name, what)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// updateRunner replaces what people say about a runner. Its token and key stay.
func updateRunner(c *call) error {
	var in runnerInput
	id, err := c.id("runner")
	if err != nil {
		return err
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := checkIDs(in, id, c.project.ID); err != nil {
		return err
	}
	return c.changeRunner("updated", in.apply)
}

// activateRunner lets a runner take tasks, or no more.
func activateRunner(c *call) error {
	var in activeInput
	if err := c.decode(&in); err != nil {
		return err
	}
	what := "switched off"
	if in.Active {
		what = "switched on"
	}
	return c.changeRunner(what, func(r *store.Runner) error {
		r.Active = in.Active
		return nil
	})
}

// cleanRunner asks a runner to empty its caches when it is heard of next.
func cleanRunner(c *call) error {
	return c.changeRunner("asked to clear its caches", func(r *store.Runner) error {
		now := c.s.cfg.Now()
		r.CleaningRequested = &now
		return nil
	})
}

// deleteRunner removes a runner, whose token is worth nothing from then on.
func deleteRunner(c *call) error {
	r, err := c.findRunner(c.ctx(), c.s.st)
	if err != nil {
		return err
	}
	if err := c.s.st.Runners().Delete(c.ctx(), c.project.ID, r.ID); err != nil {
		return named(err, "runner")
	}
	ctx := context.WithoutCancel(c.ctx())
	if err := c.record(ctx, c.s.st, store.EventRunner, r.ID, "Runner %q deleted", r.Name); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
