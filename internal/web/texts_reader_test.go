package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// source is a package whose texts people read.
type source struct {
	dir string
	// errs tells that all its errors may be read, as those of a run are: they are
	// the reason why a task has failed. Of other packages only what is made as an
	// answer, an event or a reason is read, and what methods named Error return.
	errs bool
	only string // pattern of the files to read. Defaults to all.
	not  string // pattern of files without such texts
	says string // a function that returns texts
}

// makers are functions that take a text, with the place of the text among
// their arguments. Functions of a package that hand a parameter of theirs to
// one are found.
var makers = map[string]int{"answer": 1, "errors.New": 0, "fmt.Errorf": 0}

// keys are fields that hold a text, by the type that has them.
var keys = map[string]bool{
	"FieldError.Reason": true, "BackupError.Reason": true, "QueryError.Reason": true, "Finish.Reason": true, "Result.Message": true,
	"Event.Description": true, "Answer.Outcome": true, "reply.text": true, "missing.noun": true, "ParseError.Message": true,
	"Advance.Error": true, "resource.noun": true,
}

// names are variables that hold names, of fields above all, and no words.
var names = map[string]bool{"field": true, "name": true, "key": true, "tool": true, "file": true, "kind": true, "path": true}

// reader finds the texts of one package.
type reader struct {
	source
	name   string
	values map[string]ast.Expr // constants and variables of all packages, as "name" and "pkg.name"
	funcs  map[string][]*ast.FuncDecl
	sinks  map[string]map[int]bool // parameters that become texts
	done   map[ast.Node]bool
	again  bool
	found  map[string]bool // patterns
}

// readers parses the packages.
func readers(t *testing.T, root string, list []source) []*reader {
	t.Helper()
	values, out := map[string]ast.Expr{}, []*reader{}
	found := map[string]bool{}
	for _, s := range list {
		r := &reader{source: s, values: values, funcs: map[string][]*ast.FuncDecl{}, sinks: map[string]map[int]bool{}, done: map[ast.Node]bool{}, found: found}
		names, err := filepath.Glob(filepath.Join(root, s.dir, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, names, s.dir)
		for _, name := range names {
			base := filepath.Base(name)
			if strings.HasSuffix(base, "_test.go") || !regexp.MustCompile(s.only).MatchString(base) || s.not != "" && regexp.MustCompile(s.not).MatchString(base) {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			r.name = file.Name.Name
			r.index(file)
		}
		out = append(out, r)
	}
	return out
}

// index notes functions and values of a file.
func (r *reader) index(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			r.funcs[d.Name.Name] = append(r.funcs[d.Name.Name], d)
		case *ast.GenDecl:
			r.funcs[""] = append(r.funcs[""], &ast.FuncDecl{Name: ast.NewIdent(""), Type: &ast.FuncType{}, Body: valuesBody(d)})
			for _, spec := range d.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, n := range v.Names {
					if i < len(v.Values) {
						r.values[r.name+"."+n.Name] = v.Values[i]
						if strings.HasSuffix(n.Name, "Reason") {
							r.text(&ast.FuncDecl{Type: &ast.FuncType{}}, v.Values[i])
						}
					}
				}
			}
		}
	}
}

// valuesBody is a declaration as the body of a function, to be read like one.
func valuesBody(d *ast.GenDecl) *ast.BlockStmt {
	return &ast.BlockStmt{List: []ast.Stmt{&ast.DeclStmt{Decl: d}}}
}

// read finds all texts; what functions hand on makes it read once more.
func (r *reader) read() {
	for r.again = true; r.again; {
		r.again = false
		for _, list := range r.funcs {
			for _, f := range list {
				r.function(f)
			}
		}
	}
}

func (r *reader) function(f *ast.FuncDecl) {
	if f.Body == nil {
		return
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			r.call(f, n)
		case *ast.CompositeLit:
			r.literal(f, n)
		case *ast.AssignStmt:
			r.assign(f, n)
		case *ast.ReturnStmt:
			if (f.Name.Name == "Error" || f.Name.Name == r.says) && f.Name.Name != "" && len(n.Results) == 1 {
				r.text(f, n.Results[0])
			}
		}
		return true
	})
}

func (r *reader) call(f *ast.FuncDecl, c *ast.CallExpr) {
	name := calleeName(c.Fun)
	if at, ok := makers[name]; ok && at < len(c.Args) && (r.errs || name == "answer" || f.Name.Name == "" && name == "errors.New") {
		r.format(f, c, at)
	}
	short := name[strings.LastIndex(name, ".")+1:]
	for at := range r.sinks[short] {
		if at < len(c.Args) {
			r.format(f, c, at)
		}
	}
}

// format takes an argument of a call as text, with what follows it as what it
// is filled with.
func (r *reader) format(f *ast.FuncDecl, c *ast.CallExpr, at int) {
	p, parts := r.pattern(f, c.Args[at])
	if name := calleeName(c.Fun); name != "errors.New" && name != "answer" && verb.MatchString(p) {
		p, parts = r.verbs(c.Args[at], c.Args[at+1:])
	}
	r.add(f, c.Args[at], p, parts)
}

func formats(name string) bool { return name == "fmt.Errorf" || name == "fmt.Sprintf" }

func (r *reader) literal(f *ast.FuncDecl, c *ast.CompositeLit) {
	kind := typeName(c.Type)
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && keys[kind+"."+calleeName(kv.Key)] {
			r.text(f, kv.Value)
		}
	}
	if kind == "missing" && len(c.Elts) > 0 {
		r.text(f, c.Elts[0])
	}
}

func (r *reader) assign(f *ast.FuncDecl, a *ast.AssignStmt) {
	for i, l := range a.Lhs {
		s, ok := l.(*ast.SelectorExpr)
		if ok && len(a.Rhs) == len(a.Lhs) && (s.Sel.Name == "Reason" || s.Sel.Name == "Outcome" || s.Sel.Name == "Description") {
			r.text(f, a.Rhs[i])
		}
		if c, isCall := a.Rhs[min(i, len(a.Rhs)-1)].(*ast.CallExpr); ok && s.Sel.Name == "Notes" && isCall && calleeName(c.Fun) == "append" {
			for _, e := range c.Args[1:] {
				r.text(f, e)
			}
		}
	}
}

// text takes an expression as a text.
func (r *reader) text(f *ast.FuncDecl, e ast.Expr) {
	p, parts := r.pattern(f, e)
	r.add(f, e, p, parts)
}

func (r *reader) add(f *ast.FuncDecl, n ast.Node, p string, parts []ast.Expr) {
	if r.done[n] {
		return
	}
	r.done[n] = true
	p = numbered(p)
	if hasWord(p) {
		r.found[p] = true
	}
	for _, e := range parts {
		r.part(f, e)
	}
}
