package web_test

import (
	"go/ast"
	"strings"
)

// part follows what a text is filled with: to the callers, where it is a
// parameter, to where it was set, and to what a function returns.
func (r *reader) part(f *ast.FuncDecl, e ast.Expr) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		r.part(f, e.X)
	case *ast.CallExpr:
		r.returns(e, 0)
	case *ast.Ident:
		if at := paramIndex(f, e.Name); at >= 0 {
			if names[e.Name] {
				return
			}
			if r.sinks[f.Name.Name] == nil {
				r.sinks[f.Name.Name] = map[int]bool{}
			}
			if !r.sinks[f.Name.Name][at] {
				r.sinks[f.Name.Name][at], r.again = true, true
			}
			return
		}
		r.local(f, e.Name)
	}
}

// local takes the texts that a variable is set to.
func (r *reader) local(f *ast.FuncDecl, name string) {
	if f.Body == nil {
		return
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, l := range a.Lhs {
			if id, ok := l.(*ast.Ident); !ok || id.Name != name || names[name] {
				continue
			}
			if len(a.Lhs) != len(a.Rhs) {
				if c, ok := a.Rhs[0].(*ast.CallExpr); ok {
					r.returns(c, i)
				}
				continue
			}
			if c, ok := a.Rhs[i].(*ast.CallExpr); ok && calleeName(c.Fun) == "append" {
				for _, e := range c.Args[1:] {
					r.text(f, e)
				}
				continue
			}
			r.text(f, a.Rhs[i])
		}
		return true
	})
}

// returns takes the texts that a function of the package returns as its result
// at a place.
func (r *reader) returns(c *ast.CallExpr, at int) {
	name := calleeName(c.Fun)
	for _, f := range r.funcs[name[strings.LastIndex(name, ".")+1:]] {
		if name == "" || f.Body == nil || resultType(f, at) != "string" {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if s, ok := n.(*ast.ReturnStmt); ok && at < len(s.Results) {
				r.text(f, s.Results[at])
			}
			return true
		})
	}
}

func resultType(f *ast.FuncDecl, at int) string {
	if f.Type.Results == nil {
		return ""
	}
	n := 0
	for _, field := range f.Type.Results.List {
		if n += max(len(field.Names), 1); at < n {
			return calleeName(field.Type)
		}
	}
	return ""
}
