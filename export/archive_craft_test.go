package export_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// inside is a file in an archive.
type inside struct {
	name string
	data []byte
	kind byte
}

// unpack lists the files of an archive, as tar and zstd would.
func unpack(t testing.TB, archive []byte) []inside {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(archive), zstd.WithDecoderConcurrency(1))
	require.NoError(t, err)
	defer z.Close()
	var list []inside
	for r := tar.NewReader(z); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		list = append(list, inside{head.Name, data, tar.TypeReg})
	}
}

// pack makes an archive of files, with all checksums as they should be.
func pack(t testing.TB, files []inside) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20))
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for _, f := range files {
		if f.kind == 0 {
			f.kind = tar.TypeReg
		}
		head := &tar.Header{Name: f.name, Size: int64(len(f.data)), Mode: 0o600, Typeflag: f.kind}
		if f.kind == tar.TypeSymlink {
			head.Linkname, head.Size, f.data = "/etc/passwd", 0, nil
		}
		require.NoError(t, w.WriteHeader(head))
		_, err := w.Write(f.data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return seal(b.Bytes())
}

func seal(body []byte) []byte {
	sum := sha256.Sum256(body)
	body = binary.LittleEndian.AppendUint32(body, 0x184D2A5E)
	body = binary.LittleEndian.AppendUint32(body, 32)
	return append(body, sum[:]...)
}

// reseal makes the sums of the files anew, so that nothing but their content is
// wrong.
func reseal(t testing.TB, files []inside) []inside {
	t.Helper()
	type part struct {
		Name   string `json:"name"`
		Table  string `json:"table"`
		Rows   int64  `json:"rows"`
		Bytes  int64  `json:"bytes"`
		SHA256 string `json:"sha256"`
	}
	sums := struct {
		Manifest string           `json:"manifest_sha256"`
		Tables   map[string]int64 `json:"tables"`
		Parts    []part           `json:"parts"`
	}{Tables: map[string]int64{}}
	var list []inside
	for _, f := range files {
		sum := sha256.Sum256(f.data)
		switch f.name {
		case "manifest.json":
			sums.Manifest = hex.EncodeToString(sum[:])
		case "sums.json":
			continue
		default:
			var head struct{ Table string }
			line, _, _ := bytes.Cut(f.data, []byte("\n"))
			_ = json.Unmarshal(line, &head) // what is none is refused before
			rows := int64(bytes.Count(f.data, []byte("\n"))) - 1
			sums.Parts = append(sums.Parts, part{f.name, head.Table, rows, int64(len(f.data)), hex.EncodeToString(sum[:])})
			sums.Tables[head.Table] += rows
		}
		list = append(list, f)
	}
	text, err := json.Marshal(sums)
	require.NoError(t, err)
	return append(list, inside{name: "sums.json", data: text})
}
