package auth_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
)

const (
	rootDN       = "cn=root,dc=example,dc=org"
	readerDN     = "cn=reader,dc=example,dc=org"
	peopleDN     = "ou=people,dc=example,dc=org"
	directoryKey = "reader's password"
	rootPassword = "root"
)

// slapd is a directory server of a test.
type slapd struct {
	address string // in the clear, and StartTLS
	secure  string // TLS
	ca      *x509.CertPool
}

// config asks the server in the clear.
func (s *slapd) config() auth.LDAPConfig {
	return auth.LDAPConfig{
		Server: s.address, BindDN: readerDN, BindPassword: auth.NewSecret(directoryKey),
		SearchDN: peopleDN, SearchFilter: "(&(objectClass=inetOrgPerson)(uid=%s))",
	}
}

// startSlapd starts a server of its own on 127.0.0.1 and fills it.
func startSlapd(t *testing.T, withTLS bool) *slapd {
	t.Helper()
	program, err := exec.LookPath("slapd")
	if err != nil {
		program = "/usr/sbin/slapd"
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("slapd is not installed: scripts/install-tools.sh does that")
	}
	dir, err := os.MkdirTemp("", "slapd") // t.TempDir is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &slapd{}
	conf := slapdConf(t, dir)
	if withTLS {
		conf = s.certificates(t, dir) + conf
	}
	file := filepath.Join(dir, "slapd.conf")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	// A port that is free now may be taken in a moment by somebody else.
	for try := 0; ; try++ {
		if s.start(t, program, dir, file) {
			break
		}
		require.Less(t, try, 5, "slapd does not start")
	}
	s.fill(t)
	return s
}

func slapdConf(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, schema := range []string{"core", "cosine", "inetorgperson"} {
		for _, etc := range []string{"/etc/ldap", "/etc/openldap"} {
			if file := etc + "/schema/" + schema + ".schema"; exists(file) {
				fmt.Fprintf(&b, "include %s\n", file)
			}
		}
	}
	if exists("/usr/lib/ldap") {
		b.WriteString("modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload memberof\n")
	}
	data := filepath.Join(dir, "data")
	require.NoError(t, os.Mkdir(data, 0o700))
	// A bind without a password succeeds here for every DN, as in other servers.
	fmt.Fprintf(&b, `allow bind_anon_dn
database mdb
maxsize 10485760
suffix "dc=example,dc=org"
rootdn "%s"
rootpw %s
directory %s
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="%s" read by * none
`, rootDN, rootPassword, data, readerDN)
	return b.String()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// start reports false where the ports were taken.
func (s *slapd) start(t *testing.T, program, dir, file string) bool {
	t.Helper()
	s.address, s.secure = freeAddress(t), freeAddress(t)
	urls := "ldap://" + s.address + "/"
	if s.ca != nil {
		urls += " ldaps://" + s.secure + "/"
	}
	cmd := exec.CommandContext(t.Context(), program, "-d", "stats", "-f", file, "-h", urls)
	asNobody(t, cmd, dir)
	out, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	var log []string
	for lines.Scan() {
		log = append(log, lines.Text())
		if strings.Contains(lines.Text(), "slapd starting") {
			done := make(chan struct{})
			go func() {
				defer close(done)
				for lines.Scan() {
				}
			}()
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				<-done
				_ = cmd.Wait()
			})
			return true
		}
	}
	_ = cmd.Wait()
	t.Log(strings.Join(log, "\n"))
	return false
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// certificates makes the server's certificate and returns its configuration.
func (s *slapd) certificates(t *testing.T, dir string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "directory of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, certificate, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	s.ca = x509.NewCertPool()
	require.True(t, s.ca.AppendCertsFromPEM(certificate))
	return fmt.Sprintf("TLSCertificateFile %s\nTLSCertificateKeyFile %s\n", certFile, keyFile)
}

// dial connects; a server that says it starts does not listen yet.
func (s *slapd) dial(t *testing.T) *ldap.Conn {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(20 * time.Second)
	for {
		conn, err := ldap.DialURL("ldap://" + s.address)
		if err == nil {
			return conn
		}
		select {
		case <-deadline:
			require.NoError(t, err)
		case <-again.C:
		}
	}
}

// fill adds people and groups.
func (s *slapd) fill(t *testing.T) {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	require.NoError(t, conn.Bind(rootDN, rootPassword))
	add := func(dn string, attributes map[string][]string) {
		t.Helper()
		request := ldap.NewAddRequest(dn, nil)
		for name, values := range attributes {
			request.Attribute(name, values)
		}
		require.NoError(t, conn.Add(request), dn)
	}
	person := func(dn, uid string, mail ...string) {
		t.Helper()
		attributes := map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {"The " + uid}, "sn": {uid}, "userPassword": {password},
		}
		if len(mail) > 0 {
			attributes["mail"] = mail
		}
		add(dn, attributes)
	}
	unit := []string{"organizationalUnit"}
	add("dc=example,dc=org", map[string][]string{"objectClass": {"dcObject", "organization"}, "o": {"Example"}, "dc": {"example"}})
	add(peopleDN, map[string][]string{"objectClass": unit, "ou": {"people"}})
	add("ou=groups,dc=example,dc=org", map[string][]string{"objectClass": unit, "ou": {"groups"}})
	for _, ou := range []string{"a", "b", "c"} {
		add("ou="+ou+","+peopleDN, map[string][]string{"objectClass": unit, "ou": {ou}})
		person("uid=twin,ou="+ou+","+peopleDN, "twin", "twin@example.com")
	}
	add(readerDN, map[string][]string{"objectClass": {"inetOrgPerson"}, "cn": {"reader"}, "sn": {"reader"}, "userPassword": {directoryKey}})
	person("uid=lisa,"+peopleDN, "lisa", "lisa@example.com", "second@example.com")
	person("uid=bart,"+peopleDN, "bart", "bart@example.com")
	person("uid=mallory,"+peopleDN, "mallory", "lisa@example.com") // says that she is lisa
	person("uid=nomail,"+peopleDN, "nomail")
	person("cn=odd,"+peopleDN, `o*d)(\`, "odd@example.com")
	for _, group := range []string{"ops", "dev"} {
		add("cn="+group+",ou=groups,dc=example,dc=org", map[string][]string{
			"objectClass": {"groupOfNames"}, "cn": {group}, "member": {"uid=lisa," + peopleDN},
		})
	}
}
