package crypto_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, id, err string }{
		{"16 bytes", "AAECAwQFBgcICQoLDA0ODw==", "b0f08971", ""},
		{"24 bytes", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "fab87fdd", ""},
		{"32 bytes", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "db3bd98e", ""},
		{"white space", " AAECAwQFBgcICQoLDA0ODw==\r\n", "b0f08971", ""},
		{"nothing", " \n", "", "no encryption key: make one with: head -c 32 /dev/urandom | base64"},
		{"a password", "correct-horse", "", "not standard base64: make one with"},
		{"base64url", "__79_Pv6-fj39vX08_Lx8A==", "", "not standard base64"},
		{"15 bytes", base64.StdEncoding.EncodeToString([]byte("correct-horse--")), "", "has 15 bytes, not 16, 24 or 32: make one with"},
		{"33 bytes", base64.StdEncoding.EncodeToString(make([]byte, 33)), "", "has 33 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k, err := crypto.ParseKey(test.text)
			require.Equal(t, test.id, k.ID())
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				require.NotContains(t, err.Error(), "correct-horse")
				return
			}
			require.NoError(t, err)
			require.Equal(t, strings.TrimSpace(test.text), k.Encode())
		})
	}
}

func TestGenerateKeyReturnsAnotherKeyEachTime(t *testing.T) {
	t.Parallel()
	a, b := crypto.GenerateKey(), crypto.GenerateKey()
	require.NotEqual(t, a.Encode(), b.Encode())
	require.NotEqual(t, a.ID(), b.ID())
	again, err := crypto.ParseKey(a.Encode())
	require.NoError(t, err)
	require.Equal(t, a.ID(), again.ID())
}

// TestPrivateValuesDoNotShow prints each private type in every way, alone and
// where fmt cannot ask its methods.
func TestPrivateValuesDoNotShow(t *testing.T) {
	t.Parallel()
	key := keyOf(t, 32)
	box, _, err := crypto.GenerateBoxKey()
	require.NoError(t, err)
	old := readOldRunner(t)
	d := base64.StdEncoding.EncodeToString(old.PEM()[40:80])
	for _, test := range []struct {
		name   string
		value  fmt.Stringer
		id     string
		secret []string
	}{
		{"key", key, "db3bd98e", []string{key.Encode(), "0 1 2 3 4", "00010203", "0x0, 0x1", "0x00, 0x01"}},
		{"box", box, box.Public().ID(), []string{box.Encode(), strings.TrimPrefix(box.Encode(), "boxkey1.")}},
		{"old runner", old, old.Public().ID(), []string{d, "PRIVATE", "Primes", "65537"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "*** ("+test.id+")", test.value.String())
			hidden := struct{ inner any }{test.value}
			nested := struct{ Value any }{test.value}
			var out bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
				direct := fmt.Sprintf(verb, test.value)
				require.Equal(t, test.value.String(), direct)
				fmt.Fprintf(&out, verb+verb+verb+verb, hidden, nested, []any{test.value}, &hidden)
			}
			log := slog.New(slog.NewJSONHandler(&out, nil))
			log.Info("x", "v", test.value, "n", nested, "h", hidden)
			require.Contains(t, out.String(), `"v":"*** (`+test.id)
			raw, err := json.Marshal(nested)
			require.NoError(t, err)
			out.Write(raw)
			for _, s := range test.secret {
				require.NotContains(t, out.String(), s)
			}
		})
	}
}

func TestEmptyPrivateValues(t *testing.T) {
	t.Parallel()
	require.Equal(t, "no key", crypto.Key{}.String())
	require.Empty(t, crypto.Key{}.ID()+crypto.Key{}.Encode())
	require.Equal(t, "no key", crypto.BoxPrivate{}.String())
	require.Empty(t, crypto.BoxPrivate{}.Encode()+crypto.BoxPublic{}.String())
	require.Equal(t, "no key", crypto.OldRunnerPrivate{}.String())
	require.Empty(t, crypto.OldRunnerPrivate{}.PEM())
	require.Empty(t, crypto.OldRunnerPublic{}.PEM())
}
