package hook_test

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

var payloads = []string{"github_push.txt", "github_pull_request.txt", "gitlab_push.txt", "gitea_push.txt", "bitbucket_push.txt"}

func FuzzMatch(f *testing.F) {
	for _, name := range payloads {
		f.Add(load(f, name).Body, "repository.id", "17273051")
	}
	f.Add([]byte(`{"a":[{"b":1e400}]}`), "a.[0].b", "1e400")
	f.Add([]byte(`[[]]`), "[0].[0]", "<nil>")
	f.Fuzz(func(t *testing.T, body []byte, key, value string) {
		r := hook.Request{Body: body}
		is := hook.Match(matcher("body", "json", key, "equals", value), r)
		not := hook.Match(matcher("body", "json", key, "unequals", value), r)
		if is && not {
			t.Fatal("a value equals and does not")
		}
		if json.Valid(body) && !is && !not {
			// Only what can be read in two ways, or is too deep, matches neither.
			if _, _, err := hook.Extract([]store.IntegrationExtractor{extractor("body", "json", "a", "a", "")}, r); !errors.Is(err, hook.ErrBody) {
				t.Fatalf("readable JSON matches nothing: %v", err)
			}
		}
	})
}

func FuzzExtract(f *testing.F) {
	for _, name := range payloads {
		f.Add(load(f, name).Body, "commits.[0].message", "message")
	}
	f.Add([]byte(`{"a":1}`), "a", "LD_PRELOAD")
	f.Fuzz(func(t *testing.T, body []byte, key, variable string) {
		list := []store.IntegrationExtractor{
			extractor("body", "json", key, variable, ""),
			extractor("body", "string", "", "whole", ""),
			extractor("body", "json", key, variable, "task"),
		}
		env, task, err := hook.Extract(list, hook.Request{Body: body})
		if err != nil {
			return
		}
		for _, value := range env {
			if !utf8.ValidString(value) {
				t.Fatalf("%q is no text", value)
			}
		}
		req, err := hook.Merge(pool.AddRequest{}, env, task)
		if err != nil {
			return
		}
		if !json.Valid([]byte(req.Task.Environment)) || len(task) > 0 && !json.Valid(req.Task.Params) {
			t.Fatalf("not JSON: %q, %q", req.Task.Environment, req.Task.Params)
		}
	})
}

func FuzzAuthenticate(f *testing.F) {
	f.Add([]byte("{}"), "sha256="+sign([]byte("{}"), "k"), "k")
	f.Add([]byte("{}"), "Basic Y2k6aw==", "k")
	f.Add([]byte(""), "", "")
	f.Fuzz(func(t *testing.T, body []byte, header, key string) {
		r := request(string(body), "X-Hub-Signature-256", header, "X-Hub-Signature", header, "X-Own", header, "Authorization", header)
		for _, method := range []string{"github", "bitbucket", "hmac", "token", "basic"} {
			err := hook.Authenticate(store.Integration{AuthMethod: method, AuthHeader: "X-Own"}, store.LoginPassword{Login: "ci", Password: key}, r)
			switch {
			case key == "" && !errors.Is(err, hook.ErrNoSecret):
				t.Fatalf("%s: an empty secret gives %v", method, err)
			case err == nil && method == "token" && header != key:
				t.Fatalf("%q was taken for %q", header, key)
			}
		}
	})
}
