package api

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/store"
)

// schema is a JSON schema as OpenAPI 3.0 has it.
type schema struct {
	Ref        string             `json:"$ref,omitempty"`
	Type       string             `json:"type,omitempty"`
	Format     string             `json:"format,omitempty"`
	Nullable   bool               `json:"nullable,omitempty"`
	WriteOnly  bool               `json:"writeOnly,omitempty"`
	MaxLength  *int               `json:"maxLength,omitempty"`
	Enum       []string           `json:"enum,omitempty"`
	Items      *schema            `json:"items,omitempty"`
	Properties map[string]*schema `json:"properties,omitempty"`
	Required   []string           `json:"required,omitempty"`
	Additional *schema            `json:"additionalProperties,omitempty"`
	AllOf      []*schema          `json:"allOf,omitempty"`
	AnyOf      []*schema          `json:"anyOf,omitempty"`
}

// schemas collects the named types of a document.
type schemas struct {
	named map[string]*schema
	owner map[string]owner // whose schema it is
	twice []string         // names that two types have
}

// owner is what a named schema describes.
type owner struct {
	of  reflect.Type
	way direction
}

func newSchemas() *schemas {
	return &schemas{named: map[string]*schema{}, owner: map[string]owner{}}
}

// direction is which way a value goes: of a body that is sent nothing is
// required, for what is left out has a meaning.
type direction bool

const (
	outgoing direction = false
	incoming direction = true
)

// of describes a value by the JSON of its type.
func (s *schemas) of(v any, d direction) *schema { return s.ofType(reflect.TypeOf(v), d) }

func (s *schemas) ofType(t reflect.Type, d direction) *schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return &schema{}
	case t == reflect.TypeFor[[]byte]():
		return &schema{Type: "string", Format: "byte", Nullable: true}
	case t == reflect.TypeFor[store.Status]() && d == outgoing:
		return statusSchema()
	case t.Kind() != reflect.Pointer && t.Implements(reflect.TypeFor[json.Marshaler]()):
		return &schema{}
	case t.Kind() != reflect.Pointer && t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return &schema{Type: "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(s.ofType(t.Elem(), d))
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Float32, reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Slice, reflect.Array:
		item := t.Elem()
		if item.Kind() == reflect.Pointer {
			item = item.Elem() // lists have no holes
		}
		return &schema{Type: "array", Items: s.ofType(item, d)}
	case reflect.Map:
		return &schema{Type: "object", Additional: s.ofType(t.Elem(), d)}
	case reflect.Struct:
		return s.object(t, d)
	case reflect.Interface:
		return &schema{}
	default:
		return &schema{Type: "integer"}
	}
}

func statusSchema() *schema {
	s := &schema{Type: "string"}
	for _, status := range store.Statuses() {
		s.Enum = append(s.Enum, string(status))
	}
	return s
}

// nullable allows null beside what a schema says. One that refers to a type
// can say nothing of its own.
func nullable(s *schema) *schema {
	if s.Ref != "" {
		return &schema{Type: "object", Nullable: true, AllOf: []*schema{s}}
	}
	s.Nullable = s.Type != "" // without a type it may be anything as it is
	return s
}

// object describes a struct once, under its name.
func (s *schemas) object(t reflect.Type, d direction) *schema {
	out := &schema{Type: "object", Properties: map[string]*schema{}}
	if t.Name() == "" {
		s.members(t, d, out)
		return out
	}
	name := schemaName(t, d)
	ref := &schema{Ref: "#/components/schemas/" + name}
	if known, done := s.owner[name]; done {
		if known != (owner{t, d}) {
			s.twice = append(s.twice, name)
		}
		return ref
	}
	s.named[name], s.owner[name] = out, owner{t, d} // before its members, which may refer to it
	s.members(t, d, out)
	return ref
}

// schemaName makes a userReply a User, a viewInput a ViewInput. What is sent
// and what is answered are two schemas, even where they are one type.
func schemaName(t reflect.Type, d direction) string {
	name := strings.TrimSuffix(t.Name(), "Reply")
	switch t { // whose package says the rest
	case reflect.TypeFor[auth.Pair]():
		name = "TokenPair"
	case reflect.TypeFor[hook.Entry]():
		name = "Delivery"
	}
	if d == incoming {
		name = strings.TrimSuffix(name, "Input") + "Input"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// field is a member of a struct as encoding/json sees it.
type field struct {
	of       reflect.Type
	depth    int
	optional bool
}

// members describes the fields of a struct.
func (s *schemas) members(t reflect.Type, d direction, out *schema) {
	found := map[string]field{}
	findFields(t, 0, found)
	for name, f := range found {
		inner := s.ofType(f.of, d)
		if d == incoming && inner.Type == "string" && slices.Contains(secretMembers(), name) {
			inner.Format, inner.WriteOnly = "password", true
		}
		if d == outgoing && inner.Type == "string" && alwaysEmpty(t, name) {
			inner.MaxLength = new(int)
		}
		out.Properties[name] = inner
		if d == outgoing && !f.optional {
			out.Required = append(out.Required, name)
		}
	}
	slices.Sort(out.Required)
}

// findFields collects the fields of a struct and of those that it embeds. Of
// two with one name the one that is embedded less deep counts.
func findFields(t reflect.Type, depth int, found map[string]field) {
	for f := range fieldsOf(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || (!f.IsExported() && !f.Anonymous) {
			continue
		}
		if f.Anonymous && name == "" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				findFields(inner, depth+1, found)
				continue
			}
		}
		if name == "" {
			name = f.Name
		}
		if other, taken := found[name]; taken && other.depth <= depth {
			continue
		}
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		found[name] = field{f.Type, depth, optional}
	}
}

func fieldsOf(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// secretMembers are texts of bodies that no reply ever gives back.
func secretMembers() []string {
	return []string{"password", "current_password", "secret", "string", "passphrase", "private_key", "passcode", "recovery_code", "refresh_token"}
}

// alwaysEmpty tells of a member that replies have only because clients expect
// it: what it is called after never leaves.
func alwaysEmpty(t reflect.Type, name string) bool {
	switch t {
	case reflect.TypeFor[store.AccessKey]():
		return name == "string"
	case reflect.TypeFor[store.EnvironmentSecret]():
		return name == "secret" || name == "operation"
	case reflect.TypeFor[store.LoginPassword](), reflect.TypeFor[store.SSHKey]():
		return true
	}
	return false
}
