package hook

import (
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// Values of matchers and extractors.
const (
	fromHeader = "header"
	fromBody   = "body"

	asJSON   = "json"
	asString = "string"

	equals   = "equals"
	unequals = "unequals"
	contains = "contains"

	intoEnvironment = "environment"
	intoTask        = "task"
)

// Match tells whether a request fulfils a condition. A header that is absent is
// compared as empty text, and a value that a JSON body does not have as
// "<nil>". A body that is no usable JSON fulfils no condition on JSON, unequals
// included: nothing is known about it.
func Match(m store.IntegrationMatcher, r Request) bool {
	return match(m, r, &document{body: r.Body})
}

// MatchAll tells whether a request fulfils every condition. No condition at all
// is fulfilled by nothing.
func MatchAll(list []store.IntegrationMatcher, r Request) bool {
	doc := &document{body: r.Body}
	for _, m := range list {
		if !match(m, r, doc) {
			return false
		}
	}
	return len(list) > 0
}

func match(m store.IntegrationMatcher, r Request, doc *document) bool {
	var value string
	switch {
	case m.MatchType == fromHeader:
		value = r.Header.Get(m.Key)
	case m.MatchType == fromBody && m.BodyDataType == asString:
		value = string(r.Body)
	case m.MatchType == fromBody && m.BodyDataType == asJSON:
		root, err := doc.root()
		if err != nil {
			return false
		}
		value = missing
		if found, ok := find(root, m.Key); ok {
			value = textOf(found)
		}
	default:
		return false
	}
	switch m.Method {
	case equals:
		return value == m.Value
	case unequals:
		return value != m.Value
	case contains:
		return strings.Contains(value, m.Value)
	default:
		return false
	}
}
