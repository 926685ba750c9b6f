package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
)

// checkedBytes is how long a reply may be to be checked.
const checkedBytes = 1 << 20

// contract is the OpenAPI document as clients get it, with the table of routes
// to find the operation of a request.
type contract struct {
	document map[string]any
	mux      *http.ServeMux
}

// seen are the routes that have succeeded in some test.
var seen sync.Map

var contractOnce sync.Once
var theContract contract

// readContract asks a server for its document, the first one that a test makes:
// the routes of all are the same.
func readContract(t *testing.T, s *api.Server) *contract {
	contractOnce.Do(func() {
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/api/openapi.json", nil))
		require.Equal(t, http.StatusOK, rec.Code, rec.Body)
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &theContract.document))
		theContract.mux = http.NewServeMux()
		for _, r := range s.Routes() {
			theContract.mux.Handle(r[0]+" "+r[1], http.NotFoundHandler())
		}
	})
	require.NotNil(t, theContract.mux, "the document could not be read")
	return &theContract
}

// copied keeps what a handler answers.
type copied struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (c *copied) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *copied) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	if c.body.Len() <= checkedBytes {
		c.body.Write(p)
	}
	return c.ResponseWriter.Write(p)
}

func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// checked holds every reply against the document.
func (w *world) checked(handler http.Handler) http.Handler {
	k := readContract(w.t, w.server)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c := &copied{ResponseWriter: rw}
		handler.ServeHTTP(c, r)
		_, pattern := k.mux.Handler(&http.Request{Method: r.Method, Host: r.Host, URL: r.URL})
		if pattern == "" || c.status == 0 {
			return
		}
		for _, fault := range k.faults(r.Method, pattern, c) {
			w.t.Errorf("%s: %s: %.2000s", pattern, fault, c.body.String())
		}
	})
}

// faults lists what in a reply is not as the document says.
func (k *contract) faults(method, pattern string, c *copied) []string {
	route, path, _ := strings.Cut(pattern, " ")
	if c.status < http.StatusBadRequest {
		seen.Store(pattern, true)
	}
	op, ok := k.operation(route, path)
	if !ok {
		return nil // one that OpenAPI cannot describe
	}
	responses := op["responses"].(map[string]any)
	response, documented := responses[strconv.Itoa(c.status)].(map[string]any)
	switch {
	case !documented && c.status >= http.StatusBadRequest:
		response = responses["default"].(map[string]any)
	case !documented:
		return []string{fmt.Sprintf("status %d is not documented", c.status)}
	}
	if method == http.MethodHead || c.status < http.StatusBadRequest && c.status >= http.StatusMultipleChoices {
		return nil // nobody reads the body of a redirection
	}
	content, _ := response["content"].(map[string]any)
	if content == nil {
		if c.body.Len() > 0 {
			return []string{"has a body that is not documented"}
		}
		return nil
	}
	if response["x-may-be-empty"] == true && c.body.Len() == 0 {
		return nil
	}
	kind, _, err := mime.ParseMediaType(c.Header().Get("Content-Type"))
	if err != nil {
		return []string{err.Error()}
	}
	media, ok := content[kind].(map[string]any)
	if !ok {
		return []string{"is " + kind + ", not " + strings.Join(slices.Collect(maps.Keys(content)), ", ")}
	}
	if kind != "application/json" || c.body.Len() > checkedBytes {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(c.body.Bytes()))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return []string{err.Error()}
	}
	return k.conforms(media["schema"].(map[string]any), value, "body")
}

func (k *contract) operation(method, path string) (map[string]any, bool) {
	item, _ := k.document["paths"].(map[string]any)[strings.ReplaceAll(path, "...}", "}")].(map[string]any)
	op, ok := item[strings.ToLower(method)].(map[string]any)
	return op, ok
}

// resolve follows a reference.
func (k *contract) resolve(s map[string]any) map[string]any {
	ref, ok := s["$ref"].(string)
	if !ok {
		return s
	}
	named := k.document["components"].(map[string]any)["schemas"].(map[string]any)
	return named[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
}

// conforms lists where a value is not what a schema says.
func (k *contract) conforms(s map[string]any, value any, at string) []string {
	s = k.resolve(s)
	if value == nil && (s["nullable"] == true || len(s) == 0) {
		return nil
	}
	if some, ok := s["anyOf"].([]any); ok {
		var all []string
		for _, one := range some {
			faults := k.conforms(one.(map[string]any), value, at)
			if len(faults) == 0 {
				return nil
			}
			all = append(all, faults...)
		}
		return all
	}
	if all, ok := s["allOf"].([]any); ok {
		var faults []string
		for _, one := range all {
			faults = append(faults, k.conforms(one.(map[string]any), value, at)...)
		}
		return faults
	}
	wrong := []string{fmt.Sprintf("%s is %v, not %v", at, value, s["type"])}
	switch v := value.(type) {
	case nil:
		return wrong
	case map[string]any:
		if s["type"] != "object" && s["type"] != nil {
			return wrong
		}
		return k.members(s, v, at)
	case []any:
		if s["type"] == nil {
			return nil
		}
		if s["type"] != "array" {
			return wrong
		}
		var faults []string
		for i, item := range v {
			faults = append(faults, k.conforms(s["items"].(map[string]any), item, fmt.Sprintf("%s[%d]", at, i))...)
		}
		return faults
	}
	return scalar(s, value, at, wrong)
}

// members checks the members of an object.
func (k *contract) members(s, object map[string]any, at string) []string {
	var faults []string
	properties, _ := s["properties"].(map[string]any)
	others, _ := s["additionalProperties"].(map[string]any)
	for name, value := range object {
		switch known, ok := properties[name].(map[string]any); {
		case ok:
			faults = append(faults, k.conforms(known, value, at+"."+name)...)
		case others != nil:
			faults = append(faults, k.conforms(others, value, at+"."+name)...)
		case properties != nil:
			faults = append(faults, at+"."+name+" is not documented")
		}
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, there := object[name.(string)]; !there {
			faults = append(faults, fmt.Sprintf("%s.%s is missing", at, name))
		}
	}
	return faults
}

func scalar(s map[string]any, value any, at string, wrong []string) []string {
	ok := s["type"] == nil
	switch v := value.(type) {
	case bool:
		ok = ok || s["type"] == "boolean"
	case json.Number:
		_, err := strconv.ParseInt(v.String(), 10, 64)
		ok = ok || s["type"] == "number" || s["type"] == "integer" && err == nil
	case string:
		ok = ok || s["type"] == "string"
		if most, limited := s["maxLength"].(float64); limited && len(v) > int(most) {
			return []string{at + " is longer than it may be"}
		}
		if one, closed := s["enum"].([]any); closed && !slices.Contains(one, any(v)) {
			return []string{fmt.Sprintf("%s is %q, which is none of %v", at, v, one)}
		}
	}
	if !ok {
		return wrong
	}
	return nil
}
