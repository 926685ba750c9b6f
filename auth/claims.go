package auth

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxClaimValue   = 1024 // bytes of what an expression gives
	maxClaimList    = 1000
	maxClaimNesting = 16
)

// Claim is an expression that picks something out of what an identity provider
// tells: "preferred_username", "upn|email", "{{ .given_name }} {{ .family_name
// }}". Alternatives are separated by |, and the first one that gives anything
// is taken. The zero value gives nothing. Make one with [ParseClaim].
type Claim struct {
	text         string
	alternatives []alternative
}

// alternative is a claim, if it is one part without text, or a template.
type alternative []claimPart

// claimPart is text, or the path of a claim.
type claimPart struct {
	text string
	path []string
	name string // a claim may have dots in its name: tried before the path
}

// String returns the expression.
func (c Claim) String() string { return c.text }

// Text returns what the expression gives, "" for nothing. Claims are what JSON
// decodes to, with json.Number or without.
func (c Claim) Text(claims map[string]any) string {
	for _, a := range c.alternatives {
		if text := a.eval(claims); text != "" {
			return text
		}
	}
	return ""
}

// List returns the members of the first alternative that is a list or a single
// value, as the groups of somebody are: 1000 at most.
func (c Claim) List(claims map[string]any) []string {
	for _, a := range c.alternatives {
		var list []string
		if members, ok := a.list(claims); ok {
			for _, member := range members[:min(len(members), maxClaimList)] {
				if text, ok := scalar(member); ok && acceptable(text) {
					list = append(list, text)
				}
			}
		} else if text := a.eval(claims); text != "" {
			list = []string{text}
		}
		if len(list) > 0 {
			return list
		}
	}
	return nil
}

// names lists the claims that the expression looks at.
func (c Claim) names() []string {
	var list []string
	for _, a := range c.alternatives {
		for _, part := range a {
			if part.name != "" {
				list = append(list, part.name)
			} else if len(part.path) > 0 {
				list = append(list, part.path[0])
			}
		}
	}
	return list
}

func (a alternative) eval(claims map[string]any) string {
	var b strings.Builder
	for _, part := range a {
		text := part.text
		if part.path != nil {
			value, ok := scalar(part.find(claims))
			if !ok {
				return ""
			}
			text = value
		}
		if b.Len()+len(text) > maxClaimValue {
			return ""
		}
		b.WriteString(text)
	}
	text := strings.TrimSpace(b.String())
	if !acceptable(text) {
		return ""
	}
	return text
}

func (a alternative) list(claims map[string]any) ([]any, bool) {
	if len(a) != 1 || a[0].path == nil {
		return nil, false
	}
	list, ok := a[0].find(claims).([]any)
	return list, ok
}

// find returns nil where there is no such claim.
func (p claimPart) find(claims map[string]any) any {
	if value, ok := claims[p.name]; ok && p.name != "" {
		return value
	}
	var at any = claims
	for _, step := range p.path[:min(len(p.path), maxClaimNesting)] {
		switch in := at.(type) {
		case map[string]any:
			at = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			at = in[i]
		default:
			return nil
		}
	}
	return at
}

// acceptable tells whether a value may become a name or an address.
func acceptable(text string) bool {
	return text != "" && len(text) <= maxClaimValue && utf8.ValidString(text) && strings.IndexFunc(text, unicode.IsControl) < 0
}

// scalar writes a value down; lists, objects and null are none.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return number(v)
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return v.String(), true
		}
		f, err := v.Float64()
		if err != nil {
			return "", false
		}
		return number(f)
	}
	return "", false
}

func number(f float64) (string, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", false
	}
	return strconv.FormatFloat(f, 'f', -1, 64), true
}
