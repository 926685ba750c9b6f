package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

type runnerTag struct {
	Tag     string `json:"tag"`
	Runners int    `json:"number_of_runners"`
}

// listRunnerTags lists the tags that templates of the project may ask for: of
// its own runners and of those that serve all.
func (s *Server) listRunnerTags(c *call) error {
	count := map[string]int{}
	for _, scope := range []int64{0, c.project.ID} {
		page, err := s.st.Runners().List(c.ctx(), scope, store.Query{Limit: -1})
		if err != nil {
			return err
		}
		for _, r := range page.Items {
			if r.Tag != "" {
				count[r.Tag]++
			}
		}
	}
	list := make([]runnerTag, 0, len(count))
	for tag, n := range count {
		list = append(list, runnerTag{tag, n})
	}
	slices.SortFunc(list, func(a, b runnerTag) int { return strings.Compare(a.Tag, b.Tag) })
	return c.json(http.StatusOK, list)
}
