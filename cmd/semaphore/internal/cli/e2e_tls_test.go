//go:build linux

package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certificate writes a certificate for 127.0.0.1 and its key, and returns who
// trusts it.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "semaphore"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(certFile, certPEM, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	roots = x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certPEM))
	return certFile, keyFile, roots
}

// freePort is a port that nobody has at the moment.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestServesByTLSAndSendsPlainRequestsThere(t *testing.T) {
	t.Parallel()
	certFile, keyFile, roots := certificate(t)
	plain := freePort(t)
	env := []string{
		"SEMAPHORE_TLS_ENABLED=yes", "SEMAPHORE_TLS_CERT_FILE=" + certFile, "SEMAPHORE_TLS_KEY_FILE=" + keyFile,
		fmt.Sprintf("SEMAPHORE_TLS_HTTP_REDIRECT_PORT=%d", plain),
	}
	s := launch{env: env}.serve(t)
	require.Regexp(t, `^https://127\.0\.0\.1:\d+$`, s.url)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	s.client.Transport = transport
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.admin()

	address := s.url
	s.url = fmt.Sprintf("http://127.0.0.1:%d", plain)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/projects?a=b%20c", nil)
	require.NoError(t, err)
	res, err := s.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusPermanentRedirect, res.StatusCode, "the method stays")
	require.Equal(t, address+"/api/projects?a=b%20c", res.Header.Get("Location"))

	s.url = address
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}}
	res, err = old.Get(address + "/api/ping")
	if err == nil {
		require.NoError(t, res.Body.Close())
	}
	require.ErrorContains(t, err, "protocol version")
	s.stop()

	for _, missing := range []string{certFile, keyFile} {
		require.NoError(t, os.Rename(missing, missing+".away"))
		refused := launch{env: env}.start(t)
		require.Equal(t, 1, refused.exit())
		require.Contains(t, refused.out.String(), missing)
		require.Contains(t, refused.out.String(), "check tls.cert_file and tls.key_file")
		require.NoError(t, os.Rename(missing+".away", missing))
	}
}

func TestTheCookieIsSecureBehindTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, roots := certificate(t)
	for _, secure := range []bool{true, false} {
		var env []string
		if secure {
			env = []string{"SEMAPHORE_TLS_ENABLED=yes", "SEMAPHORE_TLS_CERT_FILE=" + certFile, "SEMAPHORE_TLS_KEY_FILE=" + keyFile}
		}
		s := launch{env: env}.serve(t)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
		t.Cleanup(transport.CloseIdleConnections)
		jar := &keptCookies{}
		s.client.Transport, s.client.Jar = transport, jar
		s.admin()
		require.Len(t, jar.list, 1)
		require.Equal(t, "semaphore", jar.list[0].Name)
		require.Equal(t, secure, jar.list[0].Secure)
		require.True(t, jar.list[0].HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, jar.list[0].SameSite)
		s.stop()
	}
}

// keptCookies is a jar that shows what it was given, and gives nothing back.
type keptCookies struct{ list []*http.Cookie }

func (k *keptCookies) SetCookies(_ *url.URL, list []*http.Cookie) { k.list = append(k.list, list...) }
func (k *keptCookies) Cookies(*url.URL) []*http.Cookie            { return nil }
