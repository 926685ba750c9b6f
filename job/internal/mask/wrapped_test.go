package mask_test

import (
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/mask"
)

// TestWrappedBase64OfOneLine covers what base64(1) and openssl print of a long
// token: lines of 76 or 64 characters.
func TestWrappedBase64OfOneLine(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("Abc123-xyz.", 30)
	m, short := mask.New([]mask.Value{{Name: "TOKEN", Text: token}})
	require.Empty(t, short)
	for _, text := range []string{token, token + "\n"} {
		code := base64.StdEncoding.EncodeToString([]byte(text))
		for _, width := range []int{64, 76} {
			for line := range slices.Chunk([]byte(code), width) {
				if len(line) < 16 {
					continue
				}
				shown, masked := m.Line(line)
				require.True(t, masked, "%s", line)
				require.LessOrEqual(t, len(shown), 8, "%s", shown)
			}
		}
	}
}

// TestAKeyInJSON covers a private key that a JSON value holds in one line, and
// that is printed line by line.
func TestAKeyInJSON(t *testing.T) {
	t.Parallel()
	m, _ := mask.New([]mask.Value{{Name: "KEY", Text: `-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQDM\n-----END PRIVATE KEY-----\n`}})
	for line, want := range map[string]string{
		"MIIEvQIBADANBgkqhkiG9w0BAQEF": "***",
		" AASCBKcwggSjAgEAAoIBAQDM":    " ***",
		"-----BEGIN PRIVATE KEY-----":  "-----BEGIN PRIVATE KEY-----",
	} {
		shown, _ := m.Line([]byte(line))
		require.Equal(t, want, string(shown))
	}
}

// TestWhatBase64Prints holds the masker against the output of base64(1), with
// and without -w64, of a token by printf and by echo. A last line of full width
// with padding, and one of 12 characters, are among them.
func TestWhatBase64Prints(t *testing.T) {
	t.Parallel()
	ghp := strings.Repeat("ghp_Abc123-xyz.", 7)[:95]
	jwt := strings.Repeat("eyJhbGciOiJIUzI1NiJ9.", 8)[:160]
	for name, test := range map[string]struct{ secret, out, want string }{
		"64 columns, printf": {
			ghp,
			"Z2hwX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hw\nX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hwX0E=",
			"***\n***",
		},
		"64 columns, echo": {
			ghp,
			"Z2hwX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hw\nX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hwX0EK",
			"***\n***",
		},
		"64 columns, something behind it": {
			ghp,
			"Z2hwX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hw\nX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hwX0FiYzEyMy14eXouZ2hwX0E7",
			"***\n***X0E7",
		},
		"76 columns, printf": {
			jwt,
			"ZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJ\nMU5pSjkuZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lP\naUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVQ==",
			"***\n***\n***",
		},
		"76 columns, echo": {
			jwt,
			"ZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJ\nMU5pSjkuZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lP\naUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVQo=",
			"***\n***\n***",
		},
		"a last line of 12, echo": {
			jwt[:65],
			"ZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKaGJHY2lPaUpJVXpJ\nMU5pSjkuZXkK",
			"***\n***",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _ := mask.New([]mask.Value{{Name: "it", Text: test.secret}})
			var shown []string
			for line := range strings.SplitSeq(test.out, "\n") {
				out, _ := m.Line([]byte(line))
				shown = append(shown, string(out))
			}
			require.Equal(t, test.want, strings.Join(shown, "\n"))
		})
	}
}

// TestAServiceAccount covers the file in which Google Cloud gives out a key, in
// many lines, in one, and as a string of JSON itself.
func TestAServiceAccount(t *testing.T) {
	t.Parallel()
	file := "{\n  \"type\": \"service_account\",\n  \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEF\\nAASCBKcwggSjAgEAAoIBAQDM\\n-----END PRIVATE KEY-----\\n\"\n}\n"
	for name, text := range map[string]string{
		"many lines":   file,
		"one line":     strings.ReplaceAll(file, "\n", ""),
		"JSON in JSON": strings.ReplaceAll(strings.ReplaceAll(file, "\n", ""), `\n`, `\\n`),
		"CR and LF":    strings.ReplaceAll(strings.ReplaceAll(file, "\n", ""), `\n`, `\r\n`),
	} {
		m, _ := mask.New([]mask.Value{{Name: "it", Text: text}})
		for line, want := range map[string]string{
			"MIIEvQIBADANBgkqhkiG9w0BAQEF": "***",
			"AASCBKcwggSjAgEAAoIBAQDM":     "***",
			"-----BEGIN PRIVATE KEY-----":  "-----BEGIN PRIVATE KEY-----",
			"-----END PRIVATE KEY-----":    "-----END PRIVATE KEY-----",
		} {
			shown, _ := m.Line([]byte(line))
			require.Equal(t, want, string(shown), name)
		}
	}
}

// TestALongOneLineValueIsQuick gives New what costs it most of 16 KiB. The
// bound leaves room for the race detector and a busy machine.
func TestALongOneLineValueIsQuick(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	raw := make([]byte, 12<<10)
	for i := range raw {
		raw[i] = byte(random.UintN(256))
	}
	token := base64.StdEncoding.EncodeToString(raw)
	for name, text := range map[string]string{
		"a token":     token,
		"a key in it": strings.Join(slices.Collect(chunks(token, 64)), `\n`),
		"odd bytes":   strings.Repeat("ö'\"$&\\ ", 1600),
	} {
		begun := time.Now()
		m, short := mask.New([]mask.Value{{Name: "it", Text: text}})
		took := time.Since(begun)
		require.Empty(t, short)
		t.Logf("%s, %d bytes: %v, table %d KiB, %d forms", name, len(text), took, m.TableSize()>>10, len(m.Forms()))
		require.Less(t, took, 2*time.Second)
		require.Less(t, m.TableSize(), 16<<20)
	}
}

func chunks(text string, size int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for c := range slices.Chunk([]byte(text), size) {
			if !yield(string(c)) {
				return
			}
		}
	}
}
