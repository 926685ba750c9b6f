package memory

import (
	"context"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

// crowd is what limits and exclusions are judged by: the started tasks.
type crowd struct {
	st        *state
	leased    int
	projects  map[int64][]int64 // leased tasks
	templates map[int64][]holder
}

// holder is a task that keeps others of its template from starting.
type holder struct {
	id       int64
	leased   bool
	parallel bool
}

func (st *state) crowd() *crowd {
	c := &crowd{st: st, projects: map[int64][]int64{}, templates: map[int64][]holder{}}
	for id := range st.open.all(false) {
		rec, _ := st.rows(st.cat.task).get(id)
		c.add(id, rec, store.Status(st.cat.task.text(rec, "status")))
	}
	return c
}

// add counts a task in that state.
func (c *crowd) add(id int64, rec record, s store.Status) {
	e := c.st.cat.task
	if s.Leased() {
		c.leased++
		project := e.int(rec, "project_id")
		c.projects[project] = append(c.projects[project], id)
	}
	if s.Excludes() {
		template := e.int(rec, "template_id")
		others := slices.DeleteFunc(c.templates[template], func(h holder) bool { return h.id == id })
		c.templates[template] = append(others, holder{id, s.Leased(), e.bool(rec, "parallel")})
	}
}

// blocked tells why a claimable task cannot start, and behind which ones.
func (c *crowd) blocked(id int64, rec record, maxParallel int) (store.WaitReason, []int64) {
	e := c.st.cat.task
	confirmed := store.Status(e.text(rec, "status")) == store.Confirmed
	var others []int64
	for _, h := range c.templates[e.int(rec, "template_id")] {
		if h.id != id && (h.leased || !confirmed) && (!h.parallel || !e.bool(rec, "parallel")) {
			others = append(others, h.id)
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		return store.WaitTemplate, others
	}
	project := e.int(rec, "project_id")
	row, _ := c.st.rows(c.st.cat.project).get(project)
	if most := c.st.cat.project.int(row, "max_parallel_tasks"); most > 0 && int64(len(c.projects[project])) >= most {
		return store.WaitProject, slices.Clone(c.projects[project])
	}
	if maxParallel > 0 && c.leased >= maxParallel {
		return store.WaitGlobal, slices.Clone(c.projects[project])
	}
	return "", nil
}

func (q tasks) Place(ctx context.Context, project, id int64, maxParallel int) (store.Place, error) {
	st, err := q.s.view(ctx)
	if err != nil {
		return store.Place{}, err
	}
	e := st.cat.task
	rec, err := st.find(e, project, id)
	if err != nil {
		return store.Place{}, err
	}
	switch s := store.Status(e.text(rec, "status")); {
	case s == store.WaitingConfirmation:
		return store.Place{Reason: store.WaitConfirmation}, nil
	case !s.Claimable():
		return store.Place{}, nil
	}
	place := store.Place{Position: 1}
	for n := range st.open.all(false) {
		if n >= id {
			break
		}
		other, _ := st.rows(e).get(n)
		if store.Status(e.text(other, "status")).Claimable() {
			place.Position++
		}
	}
	place.Reason, place.Tasks = st.crowd().blocked(id, rec, maxParallel)
	if place.Reason == "" {
		place.Reason = store.WaitWorker
	}
	return place, nil
}
