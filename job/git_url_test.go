package job_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

var goodURLs = []string{
	"https://example.org/team/app.git", "https://example.org:8443/app", "https://bob@dev.azure.com/org/app",
	"http://127.0.0.1:3000/app.git", "ssh://git@example.org/app.git", "ssh://git@example.org:2222/~bob/app.git",
	"ssh://[::1]:22/app", "git://example.org/app.git", "git@example.org:team/app.git", "example.org:app.git",
	"git@[::1]:app.git", "file:///srv/git/app.git", "/srv/git/app.git", "/srv/with space/app", "https://example.org/a%20b",
	"https://[2001:db8::1]:443/app", "user.name+x@host-1_a.example:path/-x",
}

func TestLocalRepository(t *testing.T) {
	t.Parallel()
	for url, local := range map[string]bool{
		"/srv/git/app.git": true, "file:///srv/git/app": true, "https://example.org/a": false, "git@example.org:/srv/app": false, "file://host/srv": false, "": false,
	} {
		require.Equal(t, local, job.LocalRepository(url), url)
	}
}

// badURLs are refused with a reason that says so.
var badURLs = map[string]string{
	"":                                        "empty",
	"-u":                                      "dash",
	"--upload-pack=touch x":                   "dash",
	"ssh://-oProxyCommand=touch/x":            "dash",
	"ssh://-x@example.org/x":                  "dash",
	"-oProxyCommand=x:y":                      "dash",
	"git@-oProxyCommand=x:y":                  "dash",
	"git@example.org:-x":                      "dash",
	"ext::sh -c touch% x":                     "remote helper",
	"fd::17":                                  "remote helper",
	"https::https://example.org/x":            "remote helper",
	"transport.x+y::address":                  "remote helper",
	"https://u:secret-word@example.org/x":     "credentials",
	"https://u:@example.org/x":                "credentials",
	"ssh://u:secret-word@example.org/x":       "credentials",
	"https://ghp_abcdefghijkl@github.com/x/y": "credentials",
	"https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@github.com/x": "credentials",
	"https://example.org/a\nb":                                      "control",
	"https://example.org/a\x00b":                                    "control",
	"https://example.org/a\u202eb":                                  "control",
	"https://example.org/%0aX":                                      "control",
	"file:///srv/%0a":                                               "control",
	"https://exa mple.org/x":                                        "space",
	"https://example.org":                                           "path",
	"https:///x":                                                    "host",
	"ssh://git@exa$(id)mple/x":                                      "host",
	"ssh://git@host;id/x":                                           "valid",
	"git@ho`st:x":                                                   "host",
	"https://example.org/x?y=z":                                     "?",
	"https://example.org/x#main":                                    "#",
	"ftp://example.org/x":                                           "not allowed",
	"HTTPS://example.org/x":                                         "not allowed",
	"file://example.org/x":                                          "host",
	"https:example.org/x":                                           "write https://",
	"relative/path":                                                 "neither",
	"./relative":                                                    "neither",
	"git@example.org:":                                              "path",
	"@example.org:x":                                                "user",
	"://x":                                                          "",
	"https://example.org:99999999/x":                                "port",
	strings.Repeat("/a", 2000):                                      "longer",
}

func TestCheckRepositoryURL(t *testing.T) {
	t.Parallel()
	for _, url := range goodURLs {
		require.NoError(t, job.CheckRepositoryURL(url), url)
	}
	for url, says := range badURLs {
		err := job.CheckRepositoryURL(url)
		field := requireField(t, err, "repository.url", url)
		require.Contains(t, field.Reason, says, url)
		require.NotContains(t, err.Error(), "secret-word")
		require.NotContains(t, err.Error(), "ghp_")
	}
}

func requireField(t *testing.T, err error, name, value string) *job.FieldError {
	t.Helper()
	field, ok := errors.AsType[*job.FieldError](err)
	require.True(t, ok, "%q: %v", value, err)
	require.Equal(t, name, field.Field)
	return field
}

var refs = []string{
	"main", "feature/x", "v1.2.3", "refs/heads/main", "a@b", "ä/ö", "x-y_z", "1", "a.lockx", "{x}", "a,b;c&d", "a'b\"c", "$(id)",
	"", "-", "-x", "--all", ".x", "x.", "a..b", "a/.b", "a//b", "/a", "a/", "a.lock", "a.lock/b", "a b", "a~b", "a^b", "a:b", "a?b",
	"a*b", "a[b", `a\b`, "a@{b", "@", "a\tb", "a\nb", "a\x7fb", "a\x00b", "a@", "@/x", "HEAD",
}

func TestCheckRef(t *testing.T) {
	t.Parallel()
	for _, ref := range refs {
		err := job.CheckRef(ref)
		if err != nil {
			requireField(t, err, "repository.branch", ref)
		}
		if strings.Contains(ref, "\x00") || ref == "HEAD" || ref == "@" { // no argument, and names for the current commit
			require.Error(t, err, "%q", ref)
			continue
		}
		git := exec.CommandContext(t.Context(), "git", "check-ref-format", "--branch", ref).Run()
		require.Equal(t, git == nil, err == nil, "git and CheckRef differ about %q: %v, %v", ref, git, err)
	}
}

func TestCheckCommit(t *testing.T) {
	t.Parallel()
	for hash, good := range map[string]bool{
		"abcd": true, "0123456789abcdef0123456789abcdef01234567": true, "ABCDEF12": true, strings.Repeat("a", 64): true,
		"": false, "abc": false, "HEAD": false, "abcg": false, "-abcd": false, "abcd ": false, "abcd\n": false, strings.Repeat("a", 65): false,
	} {
		err := job.CheckCommit(hash)
		require.Equal(t, good, err == nil, "%q: %v", hash, err)
	}
}

func FuzzRepositoryURL(f *testing.F) {
	for _, url := range goodURLs {
		f.Add(url)
	}
	for url := range badURLs {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		if job.CheckRepositoryURL(url) != nil {
			return
		}
		if strings.HasPrefix(url, "-") || url == "" {
			t.Fatalf("%q can be an option", url)
		}
		if strings.ContainsFunc(url, unicode.IsControl) {
			t.Fatalf("%q has a control character", url)
		}
		if strings.HasPrefix(url, "/") {
			return
		}
		scheme, rest, ok := strings.Cut(url, "://")
		if !ok {
			if host, _, _ := strings.Cut(url, ":"); strings.HasPrefix(url[strings.LastIndex(host, "@")+1:], "-") || strings.Contains(host, "/") {
				t.Fatalf("%q has an odd host", url)
			}
			if i := strings.Index(url, "::"); i > 0 && !strings.Contains(url[:i], "[") && !strings.ContainsAny(url[:i], "@:/_~") {
				t.Fatalf("%q names a remote helper", url)
			}
			return
		}
		switch scheme {
		case "https", "http", "ssh", "git", "file":
		default:
			t.Fatalf("%q has scheme %q", url, scheme)
		}
		authority, _, _ := strings.Cut(rest, "/")
		user, host := "", authority
		if i := strings.LastIndex(authority, "@"); i >= 0 {
			user, host = authority[:i], authority[i+1:]
		}
		if strings.HasPrefix(host, "-") || strings.HasPrefix(user, "-") || strings.Contains(user, ":") || strings.ContainsAny(authority, " $`;|&<>\"'\\") {
			t.Fatalf("%q has authority %q", url, authority)
		}
	})
}

func FuzzRef(f *testing.F) {
	for _, ref := range refs {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		if job.CheckRef(ref) != nil {
			return
		}
		bad := ref == "" || strings.HasPrefix(ref, "-") || strings.HasPrefix(ref, "/") || strings.HasSuffix(ref, "/") ||
			strings.ContainsAny(ref, " ~^:?*[\\\x7f") || strings.ContainsFunc(ref, func(r rune) bool { return r < ' ' }) ||
			strings.Contains(ref, "..") || strings.Contains(ref, "@{") || strings.Contains(ref, "//") ||
			strings.HasSuffix(ref, ".lock") || strings.Contains(ref, ".lock/") || strings.HasSuffix(ref, ".") || strings.Contains("/"+ref, "/.")
		if bad {
			t.Fatalf("%q passed", ref)
		}
	})
}
