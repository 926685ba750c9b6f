package cli_test

import (
	"bytes"
	"image/png"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/pquerna/otp"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
)

func TestVersionHasTagCommitAndDate(t *testing.T) {
	t.Parallel()
	info := func(version string, settings ...string) *debug.BuildInfo {
		b := &debug.BuildInfo{Main: debug.Module{Version: version}}
		for i := 0; i < len(settings); i += 2 {
			b.Settings = append(b.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return b
	}
	commit := []string{"vcs.revision", "0123456789abcdef0123", "vcs.time", "2026-01-02T03:04:05Z"}
	for want, b := range map[string]*debug.BuildInfo{
		"devel":                              info("(devel)"),
		"v1.2.3":                             info("v1.2.3"),
		"v1.2.3-0123456789ab-20260102030405": info("v1.2.3", commit...),
		"devel-0123456789ab-20260102030405":  info("(devel)", append(commit, "vcs.modified", "false")...),
		"devel-0123456789ab-20260102030405-dirty": info("", append(commit, "vcs.modified", "true")...),
		"devel-abc": info("", "vcs.revision", "abc", "vcs.time", "yesterday"),
	} {
		require.Equal(t, want, cli.VersionOf(b))
	}
}

// TestQRCodeIsDrawnModuleByModule reads the drawing back and holds it against
// the picture.
func TestQRCodeIsDrawnModuleByModule(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"otpauth://totp/S:a?secret=JBSWY3DP&issuer=S", "otpauth://totp/Semaphore:somebody@example.org?algorithm=SHA1&digits=6&issuer=Semaphore&period=30&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"} {
		key, err := otp.NewKeyFromURL(url)
		require.NoError(t, err)
		picture, err := key.Image(256, 256)
		require.NoError(t, err)
		var b, drawn bytes.Buffer
		require.NoError(t, png.Encode(&b, picture))
		require.NoError(t, cli.DrawQR(&drawn, b.Bytes()))
		rows := readBlocks(drawn.String())
		size := len(rows[0]) - 4
		require.Zerof(t, (size-17)%4, "%d is no size of a QR code", size)
		module := 256 / size
		offset := (256 - module*size) / 2
		for y := range size {
			for x := range size {
				r, _, _, _ := picture.At(offset+x*module+module/2, offset+y*module+module/2).RGBA()
				require.Equalf(t, r < 0x8000, rows[y+2][x+2], "module %d, %d", x, y)
			}
		}
		for _, row := range rows {
			require.False(t, row[0] || row[1] || row[size+2] || row[size+3], "a margin is left")
		}
	}
	require.Error(t, cli.DrawQR(&bytes.Buffer{}, []byte("no picture")))
}

// readBlocks tells which modules are dark.
func readBlocks(text string) [][]bool {
	var rows [][]bool
	for line := range strings.Lines(strings.TrimSuffix(text, "\n")) {
		var upper, lower []bool
		for _, r := range strings.TrimSuffix(line, "\n") {
			upper = append(upper, r == '▄' || r == ' ')
			lower = append(lower, r == '▀' || r == ' ')
		}
		rows = append(rows, upper, lower)
	}
	return rows
}
