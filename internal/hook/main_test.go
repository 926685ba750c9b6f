package hook_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/internal/hook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// load reads a request from testdata: headers, an empty line, the body.
func load(tb testing.TB, name string) hook.Request {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(tb, err)
	head, body, found := bytes.Cut(raw, []byte("\n\n"))
	require.True(tb, found)
	header, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(head, "\n\n"...)))).ReadMIMEHeader()
	require.NoError(tb, err)
	return hook.Request{Method: http.MethodPost, Header: http.Header(header), Body: body}
}

// request makes a request of pairs of header names and values.
func request(body string, pairs ...string) hook.Request {
	r := hook.Request{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)}
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	return r
}

// sign is the signature that senders make of a body.
func sign(body []byte, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
