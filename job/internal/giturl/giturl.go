// Package giturl reads the repository addresses and names that users type. It
// decides by a closed list and starts nothing, so that what it accepts can be
// handed to git without becoming an option or a command.
package giturl

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// URL is a repository address taken apart.
type URL struct {
	Raw    string // as typed
	Scheme string // https, http, ssh, git or file
	User   string // of ssh and http addresses; "" for none
	Host   string // name or address without port and brackets; "" for file
	Port   string // "" for the scheme's own
	Path   string // for file: the path on this machine
	SCP    bool   // written as host:path
}

// IsHTTP tells whether the address is http or https.
func (u URL) IsHTTP() bool { return u.Scheme == "http" || u.Scheme == "https" }

// HostPort is the host as URLs write it, with its port if one was given.
func (u URL) HostPort() string {
	host := u.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port != "" {
		host += ":" + u.Port
	}
	return host
}

// Login is the user name for http. A key without login is a token, which hosts
// take as user name, as password, or as both.
func (u URL) Login(login, password string) string {
	switch {
	case login != "":
		return login
	case u.User != "":
		return u.User
	case strings.Contains(password, ":"):
		return "x-access-token" // basic authentication ends a user name at the colon
	default:
		return password
	}
}

var (
	transportPattern = pattern(`^[A-Za-z0-9][A-Za-z0-9+.-]*::`)
	schemePattern    = pattern(`^([A-Za-z][A-Za-z0-9+.-]*)://`)
	hostPattern      = pattern(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)
	addressPattern   = pattern(`^[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?$`)
	portPattern      = pattern(`^[0-9]{1,5}$`)
	userPattern      = pattern(`^[A-Za-z0-9_][A-Za-z0-9_.@+~%-]*$`)
	scpPattern       = pattern(`^(?:([^/:\[\]]*)@)?(\[[^\[\]/]*\]|[^/:@\[\]]+):(.*)$`)
)

var errCredentials = errors.New("contains credentials: put login and password or token in a key of the key store, and choose that key for the repository")

// Parse reads an https, http, ssh, git or file URL, host:path as ssh has it, or
// an absolute path.
func Parse(raw string) (URL, error) {
	switch {
	case raw == "":
		return URL{}, errors.New("is empty: give the repository's address")
	case len(raw) > 2048:
		return URL{}, errors.New("is longer than 2048 characters")
	case strings.HasPrefix(raw, "-"):
		return URL{}, errors.New("begins with a dash: give a URL, git@host:path or an absolute path")
	case strings.ContainsFunc(raw, notPrintable):
		return URL{}, errors.New("contains a control or invisible character: type the address anew")
	case filepath.IsAbs(raw):
		return URL{Raw: raw, Scheme: "file", Path: raw}, nil
	case transportPattern().MatchString(raw):
		return URL{}, fmt.Errorf("names git's remote helper %q, which can run commands: use https, http, ssh, git, file or git@host:path", raw[:strings.Index(raw, "::")])
	}
	if m := schemePattern().FindStringSubmatch(raw); m != nil {
		return parseURL(raw, m[1])
	}
	return parseSCP(raw)
}

func notPrintable(r rune) bool {
	return unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

func parseURL(raw, scheme string) (URL, error) {
	switch scheme {
	case "https", "http", "ssh", "git":
	case "file":
		return parseFile(raw)
	default:
		return URL{}, fmt.Errorf("scheme %q is not allowed: use https, http, ssh, git, file or git@host:path", scheme)
	}
	if strings.ContainsAny(raw, " \\") {
		return URL{}, errors.New("contains a space or backslash: write %20 for a space")
	}
	p, err := url.Parse(raw)
	if err != nil {
		// The parser's own error repeats the address, credentials and all.
		return URL{}, errors.New("is no valid URL: check host, port and % escapes")
	}
	u := URL{Raw: raw, Scheme: scheme, Host: p.Hostname(), Port: p.Port(), Path: p.Path}
	if p.User != nil {
		if _, ok := p.User.Password(); ok || scheme == "git" {
			return URL{}, errCredentials
		}
		u.User = p.User.Username()
		if u.IsHTTP() && looksLikeToken(u.User) {
			return URL{}, errCredentials
		}
	}
	if strings.ContainsFunc(p.Path, notPrintable) || strings.ContainsFunc(u.User, notPrintable) {
		return URL{}, errors.New("contains an escaped control character")
	}
	if p.RawQuery != "" || p.Fragment != "" {
		return URL{}, errors.New("contains '?' or '#': give the address without them, and the branch in its own field")
	}
	if p.Path == "" || p.Path == "/" {
		return URL{}, errors.New("has no path: name the repository behind the host")
	}
	return u, u.checkHost()
}

func parseFile(raw string) (URL, error) {
	p, err := url.Parse(raw)
	if err != nil || p.RawQuery != "" || p.Fragment != "" {
		return URL{}, errors.New("is no valid file URL: write file:///path")
	}
	if p.Host != "" || p.User != nil || !strings.HasPrefix(p.Path, "/") {
		return URL{}, errors.New("names a host: file URLs have three slashes, file:///path")
	}
	if strings.ContainsFunc(p.Path, notPrintable) {
		return URL{}, errors.New("contains an escaped control character")
	}
	return URL{Raw: raw, Scheme: "file", Path: p.Path}, nil
}

func parseSCP(raw string) (URL, error) {
	m := scpPattern().FindStringSubmatch(raw)
	if m == nil {
		return URL{}, errors.New("is neither a URL nor git@host:path nor an absolute path")
	}
	if strings.Contains(raw, "://") {
		return URL{}, errors.New("is no valid URL: the scheme has letters only")
	}
	switch m[2] {
	case "https", "http", "ssh", "git", "file":
		return URL{}, fmt.Errorf("is no valid URL: write %s://", m[2])
	}
	u := URL{Raw: raw, Scheme: "ssh", User: m[1], Host: strings.Trim(m[2], "[]"), Path: m[3], SCP: true}
	if strings.HasPrefix(raw, "@") {
		return URL{}, errors.New("has no user in front of '@'")
	}
	if u.Path == "" || strings.HasPrefix(u.Path, "-") {
		return URL{}, errors.New("has no path behind ':', or one that begins with a dash")
	}
	return u, u.checkHost()
}

func (u URL) checkHost() error {
	switch {
	case u.Host == "":
		return errors.New("has no host")
	case strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User, "-"):
		return errors.New("has a host or user that begins with a dash")
	case strings.Contains(u.Host, ":"):
		if !addressPattern().MatchString(u.Host) {
			return errors.New("has no valid address in brackets")
		}
	case !hostPattern().MatchString(u.Host):
		return errors.New("has no valid host name: letters, digits, dots, dashes and underscores")
	}
	if u.Port != "" && !portPattern().MatchString(u.Port) {
		return errors.New("has no valid port")
	}
	if u.User != "" && !userPattern().MatchString(u.User) {
		return errors.New("has a user name with unusual characters: put the login in a key of the key store")
	}
	return nil
}

// tokenPrefixes are how well-known hosts begin their access tokens.
var tokenPrefixes = []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "ATBB", "ATCTT"}

// looksLikeToken finds tokens that were written where a user name belongs.
func looksLikeToken(user string) bool {
	for _, p := range tokenPrefixes {
		if strings.HasPrefix(user, p) {
			return true
		}
	}
	return len(user) >= 36 && !strings.ContainsAny(user, "@. ")
}

// pattern compiles an expression when it is first asked for: a program that is
// started as a supervisor never does.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
