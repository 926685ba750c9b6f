package api

import (
	"context"
	"net/http"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/store"
)

const integrationPart = "integrations/{integration}/"

// matcherInput is what a client says about a condition of an integration.
type matcherInput struct {
	rowIDs
	IntegrationID int64  `json:"integration_id"`
	Name          string `json:"name"`
	MatchType     string `json:"match_type"`
	Method        string `json:"method"`
	BodyDataType  string `json:"body_data_type"`
	Key           string `json:"key"`
	Value         string `json:"value"`
}

func (s *Server) matcherRoutes() []route {
	matchers := resource[store.IntegrationMatcher, matcherInput]{
		noun: "matcher", path: integrationPart + "matchers", param: "matcher", event: store.EventMatcher,
		table: func(st store.Store) store.Table[store.IntegrationMatcher] { return st.Integrations().Matchers() },
		sorts: []string{"name"},
		ids:   func(m *store.IntegrationMatcher) (*int64, *int64) { return &m.ID, &m.ProjectID },
		label: func(m *store.IntegrationMatcher) string { return m.Name },
		where: partsWanted,
		within: func(ctx context.Context, c *call, st store.Store, m *store.IntegrationMatcher) error {
			return c.partOf(ctx, st, m.ID, &m.IntegrationID)
		},
		read:       readMatcher,
		postStatus: http.StatusOK,
	}
	return append(matchers.routes(), s.partRefs("matchers/{matcher}", "matcher", matchers.exists))
}

func readMatcher(_ context.Context, _ *call, _ store.Store, in *matcherInput, m *store.IntegrationMatcher) error {
	if in.IntegrationID != 0 && in.IntegrationID != m.IntegrationID {
		return invalid("integration_id", "is %d, the path says %d", in.IntegrationID, m.IntegrationID)
	}
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	m.Name, m.MatchType, m.Method, m.BodyDataType, m.Key, m.Value = in.Name, in.MatchType, in.Method, in.BodyDataType, in.Key, in.Value
	return hook.ValidateMatcher(*m)
}

// extractorInput is what a client says about a value that an integration takes
// out of requests.
type extractorInput struct {
	rowIDs
	IntegrationID int64  `json:"integration_id"`
	Name          string `json:"name"`
	ValueSource   string `json:"value_source"`
	BodyDataType  string `json:"body_data_type"`
	Key           string `json:"key"`
	Variable      string `json:"variable"`
	VariableType  string `json:"variable_type"`
}

func (s *Server) extractorRoutes() []route {
	extractors := resource[store.IntegrationExtractor, extractorInput]{
		noun: "value", path: integrationPart + "values", param: "value", event: store.EventExtractor,
		table: func(st store.Store) store.Table[store.IntegrationExtractor] { return st.Integrations().Extractors() },
		sorts: []string{"name"},
		ids:   func(e *store.IntegrationExtractor) (*int64, *int64) { return &e.ID, &e.ProjectID },
		label: func(e *store.IntegrationExtractor) string { return e.Name },
		where: partsWanted,
		within: func(ctx context.Context, c *call, st store.Store, e *store.IntegrationExtractor) error {
			return c.partOf(ctx, st, e.ID, &e.IntegrationID)
		},
		read: readExtractor,
	}
	return append(extractors.routes(), s.partRefs("values/{value}", "value", extractors.exists))
}

func readExtractor(_ context.Context, _ *call, _ store.Store, in *extractorInput, e *store.IntegrationExtractor) error {
	if in.IntegrationID != 0 && in.IntegrationID != e.IntegrationID {
		return invalid("integration_id", "is %d, the path says %d", in.IntegrationID, e.IntegrationID)
	}
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	e.Name, e.ValueSource, e.BodyDataType, e.Key = in.Name, in.ValueSource, in.BodyDataType, in.Key
	e.Variable, e.VariableType = in.Variable, in.VariableType
	if e.VariableType == "" {
		e.VariableType = "environment"
	}
	return hook.ValidateExtractor(*e)
}

// partsWanted restricts a list to the integration of the path.
func partsWanted(c *call) (map[string]any, error) {
	i, err := c.integrationOf(c.ctx(), c.s.st)
	return map[string]any{"integration_id": i.ID}, err
}

// partOf checks that a row is of the integration of the path, or makes a new
// one so.
func (c *call) partOf(ctx context.Context, st store.Store, row int64, integration *int64) error {
	i, err := c.integrationOf(ctx, st)
	switch {
	case err != nil:
		return err
	case row == 0:
		*integration = i.ID
	case *integration != i.ID:
		return store.ErrNotFound
	}
	return nil
}

// exists finds out whether the row of the path is there.
func (res resource[T, In]) exists(c *call) error {
	_, err := res.find(c.ctx(), c, c.s.st)
	return err
}

// partRefsReply has nothing in it, in the shape that clients expect.
type partRefsReply struct {
	Integrations []store.Referrer `json:"integrations"`
}

// partRefs tells that nothing is in the way of a deletion.
func (s *Server) partRefs(path, noun string, exists func(*call) error) route {
	return route{method: "GET", path: "/project/{project}/" + integrationPart + path + "/refs", right: member, handle: func(c *call) error {
		if err := exists(c); err != nil {
			return named(err, noun)
		}
		return c.json(http.StatusOK, partRefsReply{[]store.Referrer{}})
	}}
}
