package hook_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/store"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	const key = "It's a Secret to Everybody"
	const body = "Hello, World!"
	// The pair that GitHub's documentation gives for testing receivers.
	const signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	require.Equal(t, signature, sign([]byte(body), key))
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

	tests := []struct {
		name   string
		method string
		header string // auth_header
		secret store.LoginPassword
		given  []string
		want   error
	}{
		{name: "nothing asks for nothing"},
		{name: "none asks for nothing", method: "none"},
		{name: "github accepts a true signature", method: "github", given: []string{"X-Hub-Signature-256", "sha256=" + signature}},
		{name: "github accepts upper case hex", method: "github", given: []string{"X-Hub-Signature-256", "sha256=" + strings.ToUpper(signature)}},
		{name: "github refuses a signature without its prefix", method: "github", given: []string{"X-Hub-Signature-256", signature}, want: hook.ErrDenied},
		{name: "github refuses a wrong signature", method: "github", given: []string{"X-Hub-Signature-256", "sha256=" + sign([]byte(body), "other")}, want: hook.ErrDenied},
		{name: "github refuses a signature of another body", method: "github", given: []string{"X-Hub-Signature-256", "sha256=" + sign([]byte("Hello"), key)}, want: hook.ErrDenied},
		{name: "github refuses half a signature", method: "github", given: []string{"X-Hub-Signature-256", "sha256=" + signature[:32]}, want: hook.ErrDenied},
		{name: "github refuses an empty signature", method: "github", given: []string{"X-Hub-Signature-256", "sha256="}, want: hook.ErrDenied},
		{name: "github refuses no header", method: "github", want: hook.ErrDenied},
		{name: "github does not read bitbucket's header", method: "github", given: []string{"X-Hub-Signature", "sha256=" + signature}, want: hook.ErrDenied},
		{name: "bitbucket accepts a true signature", method: "bitbucket", given: []string{"x-hub-signature", "sha256=" + signature}},
		{name: "bitbucket refuses a signature without its prefix", method: "bitbucket", given: []string{"x-hub-signature", signature}, want: hook.ErrDenied},
		{name: "hmac accepts bare hex", method: "hmac", header: "X-Gitea-Signature", given: []string{"X-Gitea-Signature", signature}},
		{name: "hmac accepts a prefix", method: "hmac", header: "X-Sig", given: []string{"X-Sig", "sha256=" + signature}},
		{name: "hmac refuses another header", method: "hmac", header: "X-Sig", given: []string{"X-Gitea-Signature", signature}, want: hook.ErrDenied},
		{name: "hmac refuses what is no hex", method: "hmac", header: "X-Sig", given: []string{"X-Sig", "zz"}, want: hook.ErrDenied},
		{name: "hmac without a header's name lets nobody in", method: "hmac", given: []string{"", signature}, want: hook.ErrMethod},
		{name: "token accepts the password", method: "token", header: "X-Gitlab-Token", given: []string{"X-Gitlab-Token", key}},
		{name: "token refuses a longer text", method: "token", header: "X-Gitlab-Token", given: []string{"X-Gitlab-Token", key + "x"}, want: hook.ErrDenied},
		{name: "token refuses no header", method: "token", header: "X-Gitlab-Token", want: hook.ErrDenied},
		{name: "token without a header's name lets nobody in", method: "token", want: hook.ErrMethod},
		{name: "basic accepts login and password", method: "basic", given: []string{"Authorization", basic("ci:" + key)}},
		{name: "basic refuses another login", method: "basic", given: []string{"Authorization", basic("root:" + key)}, want: hook.ErrDenied},
		{name: "basic refuses another password", method: "basic", given: []string{"Authorization", basic("ci:x")}, want: hook.ErrDenied},
		{name: "basic refuses no header", method: "basic", want: hook.ErrDenied},
		{name: "github without a secret lets nobody in", method: "github", secret: store.LoginPassword{Login: "ci"}, given: []string{"X-Hub-Signature-256", "sha256=" + sign([]byte(body), "")}, want: hook.ErrNoSecret},
		{name: "token without a secret does not take an empty one", method: "token", header: "X-T", secret: store.LoginPassword{Login: "ci"}, want: hook.ErrNoSecret},
		{name: "basic without a password lets nobody in", method: "basic", secret: store.LoginPassword{Login: "ci"}, given: []string{"Authorization", basic("ci:")}, want: hook.ErrNoSecret},
		{name: "an unknown method lets nobody in", method: "oauth", want: hook.ErrMethod},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			secret := tt.secret
			if secret == (store.LoginPassword{}) {
				secret = store.LoginPassword{Login: "ci", Password: key}
			}
			err := hook.Authenticate(store.Integration{AuthMethod: tt.method, AuthHeader: tt.header}, secret, request(body, tt.given...))
			require.ErrorIs(t, err, tt.want)
			if err != nil {
				require.NotContains(t, err.Error(), key)
			}
		})
	}
}

func TestPayloadsOfHostsAuthenticate(t *testing.T) {
	t.Parallel()
	const key = "wh-secret"
	secret := store.LoginPassword{Password: key}
	tests := []struct {
		file, method, authHeader string
		sign                     func(hook.Request)
	}{
		{"github_push.txt", "github", "", func(r hook.Request) { r.Header.Set("X-Hub-Signature-256", "sha256="+sign(r.Body, key)) }},
		{"github_pull_request.txt", "github", "", func(r hook.Request) { r.Header.Set("X-Hub-Signature-256", "sha256="+sign(r.Body, key)) }},
		{"gitlab_push.txt", "token", "X-Gitlab-Token", func(r hook.Request) { r.Header.Set("X-Gitlab-Token", key) }},
		{"gitea_push.txt", "hmac", "X-Gitea-Signature", func(r hook.Request) { r.Header.Set("X-Gitea-Signature", sign(r.Body, key)) }},
		{"bitbucket_push.txt", "bitbucket", "", func(r hook.Request) { r.Header.Set("X-Hub-Signature", "sha256="+sign(r.Body, key)) }},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			r := load(t, tt.file)
			i := store.Integration{AuthMethod: tt.method, AuthHeader: tt.authHeader}
			require.ErrorIs(t, hook.Authenticate(i, secret, r), hook.ErrDenied)
			tt.sign(r)
			require.NoError(t, hook.Authenticate(i, secret, r))
			if tt.method != "token" {
				r.Body[len(r.Body)/2] ^= 1
				require.ErrorIs(t, hook.Authenticate(i, secret, r), hook.ErrDenied)
			}
		})
	}
}
