package hook

import (
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// Extract takes values out of a request: env are variables of the task, task
// are its parameters. A header that is absent gives empty text. A value that a
// JSON body does not have, or a body that is empty, gives nothing, so that a
// survey's default counts; a body that is no usable JSON is an [ErrBody], for
// the task would run without what it was meant to have.
//
// A name that webhooks must not set is a *job.FieldError, and values over the
// limits are [ErrTooMuch]. Values are valid UTF-8 without NUL bytes.
func Extract(list []store.IntegrationExtractor, r Request) (env, task map[string]string, err error) {
	env, task = map[string]string{}, map[string]string{}
	if len(list) > maxExtractors {
		return nil, nil, fmt.Errorf("%w: the integration extracts more than %d values", ErrTooMuch, maxExtractors)
	}
	doc := &document{body: r.Body}
	size := 0
	for _, e := range list {
		if err := checkVariable(e.Variable, e.VariableType); err != nil {
			return nil, nil, fmt.Errorf("extract %q: %w", e.Name, err)
		}
		value, ok, err := extract(e, r, doc)
		if err != nil {
			return nil, nil, fmt.Errorf("extract %q: %w", e.Name, err)
		}
		if !ok {
			continue
		}
		if size += len(value); size > maxExtracted {
			return nil, nil, fmt.Errorf("%w: its values exceed %d bytes", ErrTooMuch, maxExtracted)
		}
		if e.VariableType == intoTask {
			task[e.Variable] = value
		} else {
			env[e.Variable] = value
		}
	}
	return env, task, nil
}

func extract(e store.IntegrationExtractor, r Request, doc *document) (string, bool, error) {
	var value string
	switch {
	case e.ValueSource == fromHeader:
		value = r.Header.Get(e.Key)
	case e.ValueSource == fromBody && e.BodyDataType == asString:
		value = string(r.Body)
	case e.ValueSource == fromBody && e.BodyDataType == asJSON:
		if len(r.Body) == 0 {
			return "", false, nil
		}
		root, err := doc.root()
		if err != nil {
			return "", false, err
		}
		found, ok := find(root, e.Key)
		if !ok {
			return "", false, nil
		}
		value = textOf(found)
	default:
		return "", false, refuse("value_source", "names nothing to take a value from: use header, or body with json or string")
	}
	if strings.ContainsRune(value, 0) {
		return "", false, fmt.Errorf("%w: the value for %q contains a NUL byte", ErrBody, e.Variable)
	}
	return strings.ToValidUTF8(value, "\uFFFD"), true, nil
}
