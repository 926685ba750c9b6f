package auth

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

const maxClaimExpression = 1024 // bytes

// ParseClaim compiles an expression. An alternative is the name of a claim or a
// template:
//
//   - A name is looked up as it is written, and if there is no such claim, dots
//     lead into objects: realm_access.roles.
//   - A template holds text and actions. An action is {{ .claim }}, {{ .a.b }},
//     or {{ index .a "b" 0 }} for names that are no identifiers and for members
//     of lists. There are no other functions, variables and loops, so no
//     expression takes more time than it is long.
//
// A | in braces does not separate. Numbers without a fraction are written
// without one. An alternative gives nothing if one of its claims is missing, is
// no text, number or boolean, holds control characters, or if the result is
// blank or longer than 1 KiB.
func ParseClaim(expression string) (Claim, error) {
	if len(expression) > maxClaimExpression {
		return Claim{}, fmt.Errorf("claim expression has %d bytes: use %d at most", len(expression), maxClaimExpression)
	}
	c := Claim{text: expression}
	for _, text := range splitAlternatives(expression) {
		text = strings.TrimSpace(text)
		switch {
		case text == "":
		case strings.Contains(text, "{{"):
			a, err := parseTemplate(text)
			if err != nil {
				return Claim{}, fmt.Errorf("claim expression %q: %w", text, err)
			}
			c.alternatives = append(c.alternatives, a)
		default:
			c.alternatives = append(c.alternatives, alternative{{name: text, path: strings.Split(text, ".")}})
		}
	}
	return c, nil
}

// splitAlternatives splits by | outside of braces.
func splitAlternatives(expression string) []string {
	var list []string
	start, inside := 0, false
	for i := range len(expression) {
		switch rest := expression[i:]; {
		case strings.HasPrefix(rest, "{{"):
			inside = true
		case strings.HasPrefix(rest, "}}"):
			inside = false
		case rest[0] == '|' && !inside:
			list = append(list, expression[start:i])
			start = i + 1
		}
	}
	return append(list, expression[start:])
}

var errClaimTemplate = errors.New("a template may only hold text, {{ .claim }} and {{ index .claim \"name\" }}")

// parseTemplate takes what is no loop and no call.
func parseTemplate(text string) (alternative, error) {
	trees, err := parse.Parse("claim", text, "", "", map[string]any{"index": true})
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: claim:"))
	}
	tree := trees["claim"]
	if tree == nil || tree.Root == nil || len(trees) != 1 {
		return nil, errClaimTemplate
	}
	var a alternative
	for _, node := range tree.Root.Nodes {
		switch node := node.(type) {
		case *parse.TextNode:
			a = append(a, claimPart{text: string(node.Text)})
		case *parse.ActionNode:
			path, err := actionPath(node.Pipe)
			if err != nil {
				return nil, err
			}
			a = append(a, claimPart{path: path})
		default:
			return nil, errClaimTemplate
		}
	}
	return a, nil
}

func actionPath(pipe *parse.PipeNode) ([]string, error) {
	if len(pipe.Decl) > 0 || len(pipe.Cmds) != 1 {
		return nil, errClaimTemplate
	}
	args := pipe.Cmds[0].Args
	if field, ok := args[0].(*parse.FieldNode); ok && len(args) == 1 {
		return field.Ident, nil
	}
	if call, ok := args[0].(*parse.IdentifierNode); !ok || call.Ident != "index" || len(args) < 3 {
		return nil, errClaimTemplate
	}
	var path []string
	switch from := args[1].(type) {
	case *parse.DotNode:
	case *parse.FieldNode:
		path = slices.Clone(from.Ident)
	default:
		return nil, errClaimTemplate
	}
	for _, arg := range args[2:] {
		switch arg := arg.(type) {
		case *parse.StringNode:
			path = append(path, arg.Text)
		case *parse.NumberNode:
			if !arg.IsInt {
				return nil, errClaimTemplate
			}
			path = append(path, strconv.FormatInt(arg.Int64, 10))
		default:
			return nil, errClaimTemplate
		}
	}
	return path, nil
}
