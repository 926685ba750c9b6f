package web_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hole is where a text is filled in.
const hole = "\x00"

// pattern is an expression as a text with holes, and what fills them.
func (r *reader) pattern(f *ast.FuncDecl, e ast.Expr) (string, []ast.Expr) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return s, nil
		}
	case *ast.ParenExpr:
		return r.pattern(f, e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			a, pa := r.pattern(f, e.X)
			b, pb := r.pattern(f, e.Y)
			return a + b, slices.Concat(pa, pb)
		}
	case *ast.CallExpr:
		switch name := calleeName(e.Fun); {
		case formats(name) && len(e.Args) > 0:
			return r.verbs(e.Args[0], e.Args[1:])
		case name == "strings.Join":
			return hole, e.Args[:1]
		case name == "clip" || name == "cut" || strings.HasPrefix(name, "strings.Trim"):
			return r.pattern(f, e.Args[0])
		case name == "cmp.Or":
			for _, a := range e.Args {
				r.text(f, a)
			}
		}
	case *ast.Ident:
		if v, ok := r.values[r.name+"."+e.Name].(*ast.BasicLit); ok && paramIndex(f, e.Name) < 0 {
			return r.pattern(f, v)
		}
	case *ast.SelectorExpr:
		if v, ok := r.values[calleeName(e)].(*ast.BasicLit); ok {
			return r.pattern(f, v)
		}
	}
	return hole, []ast.Expr{e}
}

var verb = regexp.MustCompile(`%(?:\[(\d+)\])?[-+#0]*\d*(?:\.\d+)?([a-zA-Z%])`)

// verbs is a format as a text with holes. Quotes of %q are part of the text.
func (r *reader) verbs(format ast.Expr, args []ast.Expr) (string, []ast.Expr) {
	text, parts := r.pattern(&ast.FuncDecl{Name: ast.NewIdent(""), Type: &ast.FuncType{}}, format)
	if len(parts) > 0 { // a format that is handed on
		return text, parts
	}
	at := 0
	text = verb.ReplaceAllStringFunc(text, func(v string) string {
		m := verb.FindStringSubmatch(v)
		if m[2] == "%" {
			return "%"
		}
		i := at
		if n, err := strconv.Atoi(m[1]); err == nil {
			i = n - 1
		}
		at = i + 1
		out, more := hole, []ast.Expr(nil)
		if i < len(args) {
			out, more = r.pattern(&ast.FuncDecl{Name: ast.NewIdent(""), Type: &ast.FuncType{}}, args[i])
		}
		parts = append(parts, more...)
		if m[2] == "q" {
			return `"` + out + `"`
		}
		return out
	})
	return text, parts
}

// numbered names the holes {1}, {2} and so on.
func numbered(text string) string {
	var out strings.Builder
	n := 0
	for i, piece := range strings.Split(text, hole) {
		if i > 0 {
			n++
			out.WriteString("{" + strconv.Itoa(n) + "}")
		}
		out.WriteString(piece)
	}
	return out.String()
}

var word = regexp.MustCompile(`[a-z]{3}`)

// hasWord tells whether there is anything to translate: paths have nothing.
func hasWord(p string) bool {
	return word.MatchString(p) && (!strings.Contains(p, "/") || strings.Contains(p, " "))
}

// paramIndex is the place of a parameter, -1 for none.
func paramIndex(f *ast.FuncDecl, name string) int {
	at := 0
	for _, p := range params(f) {
		for _, n := range p.Names {
			if n.Name == name {
				return at
			}
			at++
		}
	}
	return -1
}

// calleeName is "name" or "pkg.name".
func calleeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if x := calleeName(e.X); x != "" {
			return x + "." + e.Sel.Name
		}
		return e.Sel.Name
	}
	return ""
}

// typeName is the name of a type without its package and type arguments.
func typeName(e ast.Expr) string {
	switch ix := e.(type) {
	case *ast.IndexExpr:
		e = ix.X
	case *ast.IndexListExpr:
		e = ix.X
	}
	name := calleeName(e)
	return name[strings.LastIndex(name, ".")+1:]
}

func params(f *ast.FuncDecl) []*ast.Field {
	if f.Type.Params == nil {
		return nil
	}
	return f.Type.Params.List
}
