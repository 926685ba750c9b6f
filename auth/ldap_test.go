package auth_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

func newLDAP(t testing.TB, cfg auth.LDAPConfig) *auth.LDAP {
	t.Helper()
	l, err := auth.NewLDAP(cfg)
	require.NoError(t, err)
	return l
}

func TestLDAPAgainstARealServer(t *testing.T) {
	t.Parallel()
	s := startSlapd(t, true)
	secure := s.config()
	secure.Server, secure.TLS, secure.RootCAs = s.secure, true, s.ca
	start := s.config()
	start.StartTLS, start.RootCAs = true, s.ca
	for name, cfg := range map[string]auth.LDAPConfig{"in the clear": s.config(), "TLS": secure, "StartTLS": start} {
		t.Run("an account signs in over "+name, func(t *testing.T) {
			t.Parallel()
			l := newLDAP(t, cfg)
			ext, err := l.SignIn(t.Context(), "lisa", password)
			require.NoError(t, err)
			require.Equal(t, auth.SourceLDAP, ext.Source)
			require.Equal(t, "lisa", ext.Username)
			require.Equal(t, "The lisa", ext.Name)
			require.Equal(t, "lisa@example.com", ext.Email)
			require.Nil(t, ext.EmailVerified)
			require.Equal(t, "ldap:"+peopleDN, ext.Issuer)
			require.Regexp(t, "^entryUUID:[0-9a-f-]{36}$", ext.Subject)
			require.ElementsMatch(t, []string{"cn=ops,ou=groups,dc=example,dc=org", "cn=dev,ou=groups,dc=example,dc=org"}, ext.Groups)
			_, err = l.SignIn(t.Context(), "lisa", "wrong")
			require.ErrorIs(t, err, auth.ErrCredentials)
		})
	}
	refusedCertificates(t, s)
	accountsOf(t, s)
	groupsOf(t, s)
	throughTheService(t, s)
}

func refusedCertificates(t *testing.T, s *slapd) {
	t.Helper()
	for name, change := range map[string]func(*auth.LDAPConfig){
		"TLS":      func(c *auth.LDAPConfig) { c.Server, c.TLS = s.secure, true },
		"StartTLS": func(c *auth.LDAPConfig) { c.StartTLS = true },
	} {
		t.Run("a certificate of somebody else is refused over "+name, func(t *testing.T) {
			t.Parallel()
			cfg := s.config()
			change(&cfg)
			for _, cas := range []*x509.CertPool{nil, x509.NewCertPool()} {
				cfg.RootCAs = cas
				_, err := newLDAP(t, cfg).SignIn(t.Context(), "lisa", password)
				require.ErrorContains(t, err, "certificate")
			}
			cfg.SkipVerify = true
			_, err := newLDAP(t, cfg).SignIn(t.Context(), "lisa", password)
			require.NoError(t, err)
		})
	}
}

func accountsOf(t *testing.T, s *slapd) {
	t.Helper()
	l := newLDAP(t, s.config())
	for _, test := range []struct {
		name, login, password string
		known                 bool
		err                   error
		contains              string
	}{
		{"a login that nobody has", "nobody", password, false, nil, ""},
		{"a login of special characters", `o*d)(\`, password, true, nil, ""},
		{"a login that matches everything", "*", password, false, nil, ""},
		{"a login that matches a part", "lis*", password, false, nil, ""},
		{"a login that widens the filter", "x)(|(uid=*)", password, false, nil, ""},
		{"a login that ends the filter", "lisa))(|(uid=lisa", password, false, nil, ""},
		{"a login with a zero byte", "lisa\x00", password, false, nil, ""},
		{"a login of two entries", "twin", password, false, nil, "several entries"},
		{"no password", "lisa", "", false, auth.ErrCredentials, ""},
		{"no login", "", password, false, auth.ErrCredentials, ""},
		{"somebody else's password", "bart", password + "x", false, auth.ErrCredentials, ""},
		{"an account without address", "nomail", password, true, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ext, err := l.SignIn(t.Context(), test.login, test.password)
			switch {
			case test.err != nil:
				require.ErrorIs(t, err, test.err)
			case test.contains != "":
				require.ErrorContains(t, err, test.contains)
			default:
				require.NoError(t, err)
			}
			require.Equal(t, test.known, ext != nil)
		})
	}
	t.Run("the server itself would take no password for any account", func(t *testing.T) {
		t.Parallel()
		conn, err := ldap.DialURL("ldap://" + s.address)
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.UnauthenticatedBind("uid=lisa,"+peopleDN))
	})
	t.Run("a wrong password of the reader is a fault and shows nothing", func(t *testing.T) {
		t.Parallel()
		cfg := s.config()
		cfg.BindPassword = auth.NewSecret("canary")
		_, err := newLDAP(t, cfg).SignIn(t.Context(), "lisa", password)
		require.ErrorContains(t, err, `as "cn=reader`)
		require.NotErrorIs(t, err, auth.ErrCredentials)
		require.NotContains(t, err.Error(), "canary")
	})
	t.Run("nobody in particular finds nothing here", func(t *testing.T) {
		t.Parallel()
		cfg := s.config()
		cfg.BindDN, cfg.BindPassword = "", auth.Secret{}
		ext, err := newLDAP(t, cfg).SignIn(t.Context(), "lisa", password)
		require.Nil(t, ext)
		require.ErrorContains(t, err, "search directory")
	})
	t.Run("mappings name attributes in any case", func(t *testing.T) {
		t.Parallel()
		cfg := s.config()
		cfg.Mappings = auth.LDAPMappings{DN: "DN", Mail: "missing|{{ .MAIL }}", UID: "{{ .sn }}-x", CN: "{{ .CN }} ({{ .uid }})"}
		ext, err := newLDAP(t, cfg).SignIn(t.Context(), "lisa", password)
		require.NoError(t, err)
		require.Equal(t, []string{"lisa-x", "The lisa (lisa)", "lisa@example.com"}, []string{ext.Username, ext.Name, ext.Email})
		cfg.Mappings = auth.LDAPMappings{UID: "missing"}
		_, err = newLDAP(t, cfg).SignIn(t.Context(), "lisa", password)
		require.ErrorContains(t, err, "mapping uid")
	})
}

func groupsOf(t *testing.T, s *slapd) {
	t.Helper()
	t.Run("groups are searched where entries do not name them", func(t *testing.T) {
		t.Parallel()
		cfg := s.config()
		cfg.Mappings.Group = "missing"
		cfg.GroupSearchDN = "ou=groups,dc=example,dc=org"
		l := newLDAP(t, cfg)
		ext, err := l.SignIn(t.Context(), "lisa", password)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"cn=ops,ou=groups,dc=example,dc=org", "cn=dev,ou=groups,dc=example,dc=org"}, ext.Groups)
		ext, err = l.SignIn(t.Context(), "bart", password)
		require.NoError(t, err)
		require.Empty(t, ext.Groups)
		cfg.GroupSearchDN = "ou=missing,dc=example,dc=org"
		_, err = newLDAP(t, cfg).SignIn(t.Context(), "lisa", password)
		require.ErrorContains(t, err, "search groups")
	})
}

func throughTheService(t *testing.T, s *slapd) {
	t.Helper()
	t.Run("the service makes accounts, gives roles and still knows its own", func(t *testing.T) {
		t.Parallel()
		roles := &auth.GroupRoles{}
		w := setup(t, auth.Config{
			Directory: newLDAP(t, s.config()),
			ProviderRoles: func(ctx context.Context, ext auth.External) (auth.Grants, error) {
				return roles.Grants(ctx, ext)
			},
		})
		project, err := w.st.Projects().Create(t.Context(), store.Project{Name: "site"})
		require.NoError(t, err)
		roles, err = auth.NewGroupRoles(w.st, map[string][]auth.GroupMapping{auth.SourceLDAP: {
			{Group: "CN=ops, OU=Groups, DC=example, DC=org", Project: "site", Role: "manager"},
		}}, nil)
		require.NoError(t, err)
		in, err := w.SignIn(t.Context(), w.client, "Lisa", password)
		require.NoError(t, err)
		require.True(t, in.User.External)
		access, err := w.Access(t.Context(), in.User, project.ID)
		require.NoError(t, err)
		require.Equal(t, "manager", access.Role)
		_, err = w.SignIn(t.Context(), w.client, "mallory", password)
		require.Equal(t, auth.ErrCredentials, err, "an address that people may choose gives nobody's account away")
		bart, err := w.SignIn(t.Context(), w.client, "bart", password)
		require.NoError(t, err)
		_, err = w.Access(t.Context(), bart.User, project.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = w.SignIn(t.Context(), w.client, "lisa", "wrong")
		require.Equal(t, auth.ErrCredentials, err)
		w.signIn(t) // alice, whom the directory does not know
	})
}

func TestStartTLSThatIsRefusedSendsNoPassword(t *testing.T) {
	t.Parallel()
	s := startSlapd(t, false)
	cfg := s.config()
	cfg.StartTLS = true
	_, err := newLDAP(t, cfg).SignIn(t.Context(), "lisa", password)
	require.ErrorContains(t, err, "StartTLS")
	require.NotErrorIs(t, err, auth.ErrCredentials)
}

// listen runs a server that does as it likes with each connection.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestADirectoryThatMisbehavesIsGivenUp(t *testing.T) {
	t.Parallel()
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	for name, serve := range map[string]func(net.Conn){
		"says nothing": silent,
		"hangs up":     func(net.Conn) {},
		"is no directory": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			silent(c)
		},
		"never ends its answer": func(c net.Conn) {
			_, _ = c.Write([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
			chunk := make([]byte, 1<<16)
			for {
				if _, err := c.Write(chunk); err != nil {
					return
				}
			}
		},
	} {
		for _, way := range []string{"in the clear", "TLS", "StartTLS"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				cfg := (&slapd{address: listen(t, serve)}).config()
				cfg.Timeout = 300 * time.Millisecond
				cfg.TLS, cfg.StartTLS = way == "TLS", way == "StartTLS"
				w := setup(t, auth.Config{Directory: newLDAP(t, cfg)})
				began := time.Now()
				w.signIn(t) // a local account signs in all the same
				require.Less(t, time.Since(began), 20*cfg.Timeout)
				_, err := newLDAP(t, cfg).SignIn(t.Context(), "lisa", password)
				require.Error(t, err)
			})
		}
	}
}

func TestADirectoryThatIsDownKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	cfg := (&slapd{address: freeAddress(t)}).config()
	l := newLDAP(t, cfg)
	_, err := l.SignIn(t.Context(), "lisa", password)
	require.ErrorContains(t, err, "connect to directory")
	w := setup(t, auth.Config{Directory: l})
	w.signIn(t)
	_, err = w.SignIn(t.Context(), w.client, "lisa", password)
	require.Equal(t, auth.ErrCredentials, err)
}

func TestWhoGoesAwayDoesNotWaitForTheDirectory(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	cfg := (&slapd{address: listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, c)
	})}).config()
	cfg.Timeout = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := newLDAP(t, cfg).SignIn(ctx, "lisa", password)
	require.ErrorIs(t, err, context.Canceled)
}

func TestNewLDAPNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := (&slapd{address: "127.0.0.1:389"}).config()
	for contains, change := range map[string]func(*auth.LDAPConfig){
		"has no server":       func(c *auth.LDAPConfig) { c.Server = "" },
		"without a scheme":    func(c *auth.LDAPConfig) { c.Server = "ldap://127.0.0.1" },
		"no search DN":        func(c *auth.LDAPConfig) { c.SearchDN = "" },
		`search DN "x"`:       func(c *auth.LDAPConfig) { c.SearchDN = "x" },
		`bind DN "x"`:         func(c *auth.LDAPConfig) { c.BindDN = "x" },
		`group search DN "x"`: func(c *auth.LDAPConfig) { c.GroupSearchDN = "x" },
		"does not name":       func(c *auth.LDAPConfig) { c.SearchFilter = "(uid=lisa)" },
		"search filter":       func(c *auth.LDAPConfig) { c.SearchFilter = "(uid=%s" },
		"group filter":        func(c *auth.LDAPConfig) { c.GroupFilter = "member=%s)" },
		"choose one":          func(c *auth.LDAPConfig) { c.TLS, c.StartTLS = true, true },
		"no bind DN":          func(c *auth.LDAPConfig) { c.BindDN = "" },
		"no bind password":    func(c *auth.LDAPConfig) { c.BindPassword = auth.Secret{} },
		"time-out":            func(c *auth.LDAPConfig) { c.Timeout = -1 },
		"mapping mail":        func(c *auth.LDAPConfig) { c.Mappings.Mail = "{{" },
	} {
		cfg := good
		change(&cfg)
		_, err := auth.NewLDAP(cfg)
		require.ErrorContains(t, err, contains, contains)
	}
	for _, server := range []string{"directory.example.com", "127.0.0.1:389", "::1", "[::1]", "[::1]:389"} {
		cfg := good
		cfg.Server = server
		newLDAP(t, cfg)
	}
}

func FuzzLDAPFilter(f *testing.F) {
	for _, seed := range []string{"lisa", "*", "x)(|(uid=*)", `\2a`, "\x00", "é", "\xff", "(", `\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, login string) {
		packet, err := ldap.CompileFilter(auth.FillFilter("(&(objectClass=person)(uid=%s))", login))
		require.NoError(t, err)
		require.Len(t, packet.Children, 2)
		uid := packet.Children[1]
		require.EqualValues(t, ldap.FilterEqualityMatch, uid.Tag)
		require.Equal(t, "uid", uid.Children[0].Data.String())
		require.Equal(t, login, uid.Children[1].Data.String())
	})
}
