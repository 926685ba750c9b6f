package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// pathParameter finds the parameters of a path.
var pathParameter = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// pathKind is the type of a parameter of a path: most are ids.
func pathKind(path, name string) string {
	switch name {
	case "role", "app", "provider", "token", "path":
		return "string"
	case "alias":
		if !strings.Contains(path, "/integrations/aliases/") && !strings.Contains(path, "{integration}/aliases/") {
			return "string"
		}
	}
	return "integer"
}

// document builds the OpenAPI document of the table of routes.
func (s *Server) document() (map[string]any, error) {
	all := map[string]operation{}
	for _, op := range operations() {
		all[op.route] = op
	}
	types := newSchemas()
	paths := map[string]map[string]any{}
	for _, r := range s.routes {
		op, ok := all[r.method+" "+r.path]
		if !ok || r.method == "LOCK" || r.method == "UNLOCK" {
			continue // OpenAPI knows no such methods
		}
		path := "/api" + strings.ReplaceAll(r.path, "...}", "}")
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(r.method)] = describe(r, op, types)
	}
	if len(types.twice) > 0 {
		return nil, errors.New("two types are called " + strings.Join(types.twice, ", "))
	}
	var tags []any
	for _, s := range sections() {
		tags = append(tags, map[string]string{"name": s.name, "description": s.what})
	}
	return map[string]any{
		"openapi": "3.0.3",
		"info": map[string]any{
			"title": "Semaphore", "version": s.cfg.Version,
			"description": "Runs Ansible, Terraform and scripts from git repositories. Sign in with POST /api/auth/login, or send an API token as a bearer.",
		},
		"servers":  []any{map[string]any{"url": s.base + "/"}},
		"tags":     tags,
		"paths":    paths,
		"security": []any{map[string]any{"bearer": []any{}}, map[string]any{"cookie": []any{}}},
		"components": map[string]any{
			"schemas": types.named,
			"securitySchemes": map[string]any{
				"bearer": map[string]any{"type": "http", "scheme": "bearer"},
				"cookie": map[string]any{"type": "apiKey", "in": "cookie", "name": "semaphore"},
			},
		},
	}, nil
}

// describe is the operation object of a route.
func describe(r route, op operation, types *schemas) map[string]any {
	out := map[string]any{
		"tags": []string{op.tag}, "summary": op.summary, "operationId": operationID(r),
		"x-right": r.right.String(), "responses": op.responses(types),
	}
	if op.note != "" {
		out["description"] = op.note
	}
	if r.right == anyone {
		out["security"] = []any{}
	}
	if op.in != nil {
		out["requestBody"] = map[string]any{"required": !op.optIn, "content": content("application/json", types.of(op.in, incoming))}
	}
	var parameters []any
	for _, m := range pathParameter.FindAllStringSubmatch(r.path, -1) {
		parameters = append(parameters, map[string]any{"name": m[1], "in": "path", "required": true, "schema": &schema{Type: pathKind(r.path, m[1])}})
	}
	for _, q := range op.query {
		parameters = append(parameters, map[string]any{"name": q.name, "in": "query", "description": q.what, "schema": &schema{Type: q.kind}})
	}
	if parameters != nil {
		out["parameters"] = parameters
	}
	return out
}

// operationID is a name for generated clients.
func operationID(r route) string {
	words := []string{strings.ToLower(r.method)}
	for part := range strings.SplitSeq(strings.Trim(r.path, "/"), "/") {
		words = append(words, strings.Trim(strings.NewReplacer("...", "", ".", "_").Replace(part), "{}"))
	}
	return strings.Join(words, "_")
}

func content(media string, s *schema) map[string]any {
	return map[string]any{media: map[string]any{"schema": s}}
}

// failure is the body of every error.
type failure struct {
	Error string `json:"error"`
	InUse bool   `json:"inUse,omitempty"` // the row cannot be deleted
}

// result is the schema of the reply, nil for none.
func (op operation) result(types *schemas) *schema {
	switch {
	case op.out == nil && op.media == "":
		return nil
	case op.out == nil && strings.HasPrefix(op.media, "text/"):
		return &schema{Type: "string"}
	case op.out == nil:
		return &schema{Type: "string", Format: "binary"}
	case op.or != nil:
		return &schema{AnyOf: []*schema{types.of(op.out, outgoing), types.of(op.or, outgoing)}}
	}
	return types.of(op.out, outgoing)
}

func (op operation) mediaType() string {
	if op.media == "" {
		return "application/json"
	}
	return op.media
}

func (op operation) responses(types *schemas) map[string]any {
	good := map[string]any{"description": http.StatusText(op.success())}
	if s := op.result(types); s != nil {
		good["content"] = content(op.mediaType(), s)
	}
	if op.optOut {
		good["x-may-be-empty"] = true
	}
	if op.headers != nil {
		headers := map[string]any{}
		for name, what := range op.headers {
			headers[name] = map[string]any{"description": what, "schema": &schema{Type: "string"}}
		}
		good["headers"] = headers
	}
	out := map[string]any{
		strconv.Itoa(op.success()): good,
		"default": map[string]any{
			"description": "What went wrong, and what to do about it",
			"content":     content("application/json", types.of(failure{}, outgoing)),
		},
	}
	for status, body := range op.also {
		other := map[string]any{"description": http.StatusText(status)}
		if body != nil {
			other["content"] = content("application/json", types.of(body, outgoing))
		}
		out[strconv.Itoa(status)] = other
	}
	return out
}

// docs keeps what is built at the first request.
type docs struct {
	once sync.Once
	json []byte
	page []byte
	err  error
}

func (d *docs) build(s *Server) error {
	d.once.Do(func() {
		var doc map[string]any
		if doc, d.err = s.document(); d.err != nil {
			return
		}
		if d.json, d.err = json.MarshalIndent(doc, "", " "); d.err == nil {
			d.page = s.docPage()
		}
	})
	if d.err != nil {
		return fmt.Errorf("describe the routes: %w", d.err)
	}
	return nil
}

func (s *Server) docRoutes() []route {
	d := &docs{}
	return []route{
		{method: "GET", path: "/openapi.json", right: anyone, handle: func(c *call) error {
			if err := d.build(s); err != nil {
				return err
			}
			return c.raw(http.StatusOK, d.json)
		}},
		{method: "GET", path: "/docs", right: anyone, handle: func(c *call) error {
			if err := d.build(s); err != nil {
				return err
			}
			h := c.w.Header()
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
			h.Set("Content-Type", "text/html; charset=utf-8")
			h.Set("Content-Length", strconv.Itoa(len(d.page)))
			if _, err := c.w.Write(d.page); err != nil {
				return errGone
			}
			return nil
		}},
	}
}
