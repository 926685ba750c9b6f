package api

import (
	"cmp"
	_ "embed"
	"html"
	"slices"
	"strings"
)

//go:embed docpage.html
var docHTML string

// docLine is a route on the page.
type docLine struct {
	Method, Path, Summary, Note, Right string
	Status                             int
	In, Out                            docType // of the bodies
	Query                              []docQuery
}

type docQuery struct{ Name, What string }

// docType is a type in words, and the schema that it leads to, if any.
type docType struct{ Words, Schema string }

type docGroup struct {
	Name, What string
	Lines      []docLine
}

type docField struct {
	Name     string
	Type     docType
	Optional bool
}

type docSchema struct {
	Name   string
	Sent   bool // it is a body of a request, of which everything may be left out
	Fields []docField
}

// docPage is the document for people: one page, no scripts.
func (s *Server) docPage() []byte {
	types := newSchemas()
	all := map[string]operation{}
	for _, op := range operations() {
		all[op.route] = op
	}
	lines := map[string][]docLine{}
	for _, r := range s.routes {
		op, ok := all[r.method+" "+r.path]
		if !ok {
			continue
		}
		lines[op.tag] = append(lines[op.tag], s.docLine(r, op, types))
	}
	var groups []docGroup
	for _, section := range sections() {
		groups = append(groups, docGroup{section.name, section.what, lines[section.name]})
	}
	var b pageWriter
	b.nav(groups)
	for _, g := range groups {
		b.section(s.base, g)
	}
	b.types(docSchemas(types))
	page := strings.NewReplacer("$VERSION", html.EscapeString(s.cfg.Version), "$BASE", html.EscapeString(s.base), "$BODY", b.String())
	return []byte(page.Replace(docHTML))
}

func (s *Server) docLine(r route, op operation, types *schemas) docLine {
	line := docLine{
		Method: r.method, Path: "/api" + strings.ReplaceAll(r.path, "...}", "}"), Summary: op.summary, Note: op.note,
		Right: r.right.String(), Status: op.success(),
	}
	if op.in != nil {
		line.In = inWords(types.of(op.in, incoming))
	}
	if op.out != nil {
		line.Out = inWords(op.result(types))
	} else if op.media != "" {
		line.Out.Words = op.media
	}
	for _, q := range op.query {
		line.Query = append(line.Query, docQuery{q.name, q.what})
	}
	return line
}

// docSchemas lists the members of every type.
func docSchemas(types *schemas) []docSchema {
	var list []docSchema
	for name, s := range types.named {
		t := docSchema{Name: name, Sent: types.owner[name].way == incoming}
		for member, inner := range s.Properties {
			t.Fields = append(t.Fields, docField{member, inWords(inner), !t.Sent && !slices.Contains(s.Required, member)})
		}
		slices.SortFunc(t.Fields, func(a, b docField) int { return cmp.Compare(a.Name, b.Name) })
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b docSchema) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// inWords is a schema in a few words.
func inWords(s *schema) docType {
	var t docType
	switch {
	case s.Ref != "":
		t.Schema = s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		t.Words = t.Schema
	case len(s.AllOf) > 0:
		t = inWords(s.AllOf[0])
	case len(s.AnyOf) > 0:
		first, second := inWords(s.AnyOf[0]), inWords(s.AnyOf[1])
		t = docType{first.Words + " or " + second.Words, first.Schema}
	case s.Type == "array":
		t = inWords(s.Items)
		t.Words = "list of " + t.Words
	case s.Type == "object" && s.Additional != nil:
		t = inWords(s.Additional)
		t.Words = "object of " + t.Words
	case s.Enum != nil:
		t.Words = strings.Join(s.Enum, ", ")
	case s.MaxLength != nil:
		t.Words = "always empty"
	case s.WriteOnly:
		t.Words = "string, never shown"
	case s.Format != "":
		t.Words = s.Format
	default:
		t.Words = cmp.Or(s.Type, "anything")
	}
	if s.Nullable {
		t.Words += " or null"
	}
	return t
}
