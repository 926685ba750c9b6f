package export_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

// watched is a store that takes everything, and notes whether it was to keep it.
type watched struct {
	store.Store
	committed bool
	aborted   int
}

func (w *watched) Stage(context.Context, store.StageOptions) (store.Staging, error) {
	return staging{w}, nil
}

type staging struct{ w *watched }

func (staging) Record(any) (store.Record, error) { return store.Record{}, errors.New("not asked for") }
func (staging) Lines(int64, int64, int64, []store.LogLine) (store.Record, error) {
	return store.Record{}, errors.New("not asked for")
}
func (staging) Load(context.Context, store.Record) error { return nil }
func (s staging) Commit(context.Context) error           { s.w.committed = true; return nil }
func (s staging) Abort() error                           { s.w.aborted++; return nil }

// refused reads an archive that has to be refused, and returns why.
func refused(t *testing.T, i instance, archive []byte, what string) error {
	t.Helper()
	w := &watched{}
	_, err := export.ReadInstance(t.Context(), w, bytes.NewReader(archive), export.ReadInstanceOptions{Ring: i.ring})
	require.Error(t, err, what)
	require.False(t, w.committed, what)
	_, again := export.CheckInstance(t.Context(), bytes.NewReader(archive), nil)
	require.Error(t, again, what)
	return err
}

func TestAnArchiveThatWasCutIsRefusedWhole(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	archive := from.archive(t)
	for percent := range 100 {
		cut := archive[:len(archive)*percent/100]
		err := refused(t, from, cut, fmt.Sprintf("%d percent", percent))
		require.True(t, errors.Is(err, export.ErrArchiveDamaged) || errors.Is(err, export.ErrNotArchive), err)
	}
	for missing := 1; missing < 100; missing++ {
		refused(t, from, archive[:len(archive)-missing], fmt.Sprintf("%d bytes short", missing))
	}
	refused(t, from, append(bytes.Clone(archive), 0), "a byte behind it")
	refused(t, from, append(bytes.Clone(archive), archive...), "twice")
}

func TestAnArchiveOfWhichAnyByteWasChangedIsRefusedWhole(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	archive := from.archive(t)
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for n := range 1000 {
		changed := bytes.Clone(archive)
		at := r.IntN(len(archive))
		if n < 32 { // the head of the frame, where some bits mean nothing to zstd
			at = n
		}
		changed[at] ^= 1 << r.IntN(8)
		refused(t, from, changed, fmt.Sprintf("byte %d", at))
	}
}

func TestADamagedArchiveLeavesTheDatabaseAsItIs(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	archive := from.archive(t)
	to := emptyStore(t)
	before := storetest.Dump(t, to, store.DumpOptions{})
	for n := range 40 {
		changed := bytes.Clone(archive)
		changed[len(archive)*n/40] ^= 0x10
		_, err := export.ReadInstance(t.Context(), to, bytes.NewReader(changed), export.ReadInstanceOptions{Ring: from.ring})
		require.Error(t, err)
		require.Equal(t, before, storetest.Dump(t, to, store.DumpOptions{}))
	}
	from.read(t, to, archive)
}

// TestWhatStandsInAnArchiveIsChecked changes archives and makes their checksums
// anew: somebody may have edited them.
func TestWhatStandsInAnArchiveIsChecked(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	good := unpack(t, from.archive(t))
	require.NoError(t, check(t, pack(t, reseal(t, good))), "the tools of this test change nothing")
	edit := func(table, old, fresh string) func([]inside) []inside {
		return func(list []inside) []inside {
			for i, f := range list {
				if strings.Contains(f.name, table) {
					require.Contains(t, string(f.data), old)
					list[i].data = bytes.Replace(f.data, []byte(old), []byte(fresh), 1)
				}
			}
			return list
		}
	}
	line := func(text string) func([]inside) []inside {
		return func(list []inside) []inside {
			return append(list, inside{name: "data/999999-option.jsonl", data: []byte("{\"table\":\"option\",\"columns\":[\"key\",\"value\"]}\n" + text)})
		}
	}
	add := func(f inside) func([]inside) []inside { return func(list []inside) []inside { return append(list, f) } }
	for name, c := range map[string]struct {
		change func([]inside) []inside
		says   string
	}{
		"a newer form":             {edit("manifest", `"version": 1`, `"version": 2`), "newer program"},
		"a newer schema":           {edit("manifest", fmt.Sprintf(`"schema": %d`, from.Schema()), `"schema": 9999`), "newer program"},
		"a schema that never was":  {edit("manifest", fmt.Sprintf(`"schema": %d`, from.Schema()), `"schema": 7`), "no version 7"},
		"another format":           {edit("manifest", "semaphore-instance", "something"), "no archive"},
		"a manifest without JSON":  {edit("manifest", "{", "["), "manifest.json"},
		"an unknown table":         {edit("-view", `"view"`, `"wiew"`), "wiew"},
		"an unknown column":        {edit("-view", `"hidden"`, `"hidded"`), "hidded"},
		"text for a number":        {edit("-app_user", `[1,`, `["1",`), "app_user"},
		"a row too short":          {line("[\"a\"]\n"), "line 2"},
		"a row too long":           {line("[\"a\",\"b\",\"c\"]\n"), "line 2"},
		"no row":                   {line("{}\n"), "is no row"},
		"an empty line":            {line("\n"), "is no row"},
		"a line without end":       {line("[\"a\",\"b\"]"), "no end"},
		"values in values":         {line("[\"a\",[1]]\n"), "option, value"},
		"deep values":              {line("[\"a\"," + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "]\n"), "line 2"},
		"an object":                {line("[\"a\",{\"x\":\"y\"}]\n"), "option, value"},
		"a fraction":               {line("[\"a\",1.5]\n"), "option, value"},
		"a number that is too big": {line("[\"a\",99999999999999999999]\n"), "option, value"},
		"bytes that are none":      {line("[\"a\",{\"b\":\"!\"}]\n"), "base64"},
		"bytes for text":           {line("[\"a\",{\"b\":\"AAAA\"}]\n"), "option, value"},
		"no UTF-8":                 {line("[\"a\",\"\xff\"]\n"), "is no row"},
		"a part without head":      {add(inside{name: "data/999999-x.jsonl"}), "ends too early"},
		"a head without columns":   {add(inside{name: "data/999999-x.jsonl", data: []byte("{\"table\":\"option\"}\n")}), "line 1"},
		"a file of another name":   {add(inside{name: "../../etc/passwd", data: []byte("x\n")}), "no such file belongs"},
		"a link":                   {add(inside{name: "data/999999-x.jsonl", kind: tar.TypeSymlink}), "no plain file"},
		"a directory":              {add(inside{name: "data/", kind: tar.TypeDir}), "no plain file"},
		"a part twice":             {func(list []inside) []inside { return append(list, list[1]) }, "app_user"},
		"an empty archive":         {func([]inside) []inside { return nil }, "no archive"},
		"the manifest last":        {func(list []inside) []inside { return append(list[1:], list[0]) }, "no archive"},
		"a second manifest":        {func(list []inside) []inside { return append(list, list[0]) }, "no such file belongs"},
	} {
		archive := pack(t, reseal(t, c.change(append([]inside{}, good...))))
		to := emptyStore(t)
		_, err := export.ReadInstance(t.Context(), to, bytes.NewReader(archive), export.ReadInstanceOptions{Ring: from.ring})
		require.ErrorContains(t, err, c.says, name)
		require.Empty(t, storetest.Dump(t, to, store.DumpOptions{})["app_user"], name)
	}
}

func check(t *testing.T, archive []byte) error {
	t.Helper()
	_, err := export.CheckInstance(t.Context(), bytes.NewReader(archive), nil)
	return err
}

func TestAReferenceThatLeadsNowhereNamesRowAndField(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	var list []inside
	for _, f := range unpack(t, from.archive(t)) {
		if !strings.Contains(f.name, "-repository") {
			list = append(list, f)
		}
	}
	to := emptyStore(t)
	_, err := export.ReadInstance(t.Context(), to, bytes.NewReader(pack(t, reseal(t, list))), export.ReadInstanceOptions{Ring: from.ring})
	var where *export.ArchiveError
	require.ErrorAs(t, err, &where)
	require.NotEmpty(t, where.Table)
	require.Equal(t, "repository_id", where.Field)
	require.NotZero(t, where.ID)
	require.ErrorIs(t, err, store.ErrInvalid)
	require.Empty(t, storetest.Dump(t, to, store.DumpOptions{})["project"])
}

func TestSumsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	good := unpack(t, from.archive(t))
	last := len(good) - 1
	require.Equal(t, "sums.json", good[last].name)
	for name, list := range map[string][]inside{
		"a changed part":      append(append([]inside{}, good[:1]...), append([]inside{{name: good[1].name, data: bytes.Replace(good[1].data, []byte("a"), []byte("b"), 1)}}, good[2:]...)...),
		"a changed manifest":  append([]inside{{name: good[0].name, data: bytes.Replace(good[0].data, []byte("test"), []byte("tset"), 1)}}, good[1:]...),
		"a missing part":      append(append([]inside{}, good[:3]...), good[4:]...),
		"parts in disorder":   append(append([]inside{}, good[0], good[2], good[1]), good[3:]...),
		"no sums":             good[:last],
		"sums without JSON":   append(append([]inside{}, good[:last]...), inside{name: "sums.json", data: []byte("{")}),
		"sums of nothing":     append(append([]inside{}, good[:last]...), inside{name: "sums.json", data: []byte("{}")}),
		"something behind it": append(append([]inside{}, good...), good[1]),
	} {
		refused(t, from, pack(t, list), name)
	}
}

func TestAnArchiveThatWouldFillMemoryOrDiskIsRefused(t *testing.T) {
	t.Parallel()
	if testing.Short() || raced {
		t.Skip("unpacks some hundred megabytes, which takes minutes under the race detector")
	}
	from := newInstance(t)
	good := unpack(t, from.archive(t))
	row := []byte("{\"table\":\"option\",\"columns\":[\"key\",\"value\"]}\n[\"a\",\"" + strings.Repeat("x", 100<<20) + "\"]\n")
	bomb := append([]inside{}, good[:1]...)
	for i := range 3 {
		bomb = append(bomb, inside{name: fmt.Sprintf("data/%06d-option.jsonl", i+1), data: row})
	}
	archive := pack(t, append(bomb, good[len(good)-1]))
	require.Less(t, len(archive), 1<<20)
	require.ErrorContains(t, check(t, archive), "times its size")

	long := append([]byte("{\"table\":\"option\",\"columns\":[\"key\",\"value\"]}\n"), bytes.Repeat([]byte("x"), 130<<20)...)
	require.ErrorContains(t, check(t, pack(t, append(good[:1:1], inside{name: "data/000001-option.jsonl", data: long}))), "too long")
	huge := bytes.Repeat([]byte("x"), 140<<20)
	require.ErrorContains(t, check(t, pack(t, append(good[:1:1], inside{name: "data/000001-option.jsonl", data: huge}))), "too large")
}

func TestAFileThatCannotBeReadIsNotCalledDamaged(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	archive := from.archive(t)
	broken := errors.New("disk is gone")
	for _, n := range []int{0, 100, len(archive) / 2, len(archive) - 1} {
		r := io.MultiReader(bytes.NewReader(archive[:n]), iotest.ErrReader(broken))
		_, err := export.CheckInstance(t.Context(), r, nil)
		require.ErrorIs(t, err, broken, n)
		require.NotErrorIs(t, err, export.ErrArchiveDamaged, n)
	}
	_, err := export.CheckInstance(t.Context(), iotest.OneByteReader(bytes.NewReader(archive)), nil)
	require.NoError(t, err)
	_, err = export.CheckInstance(t.Context(), strings.NewReader("a text"), nil)
	require.ErrorIs(t, err, export.ErrNotArchive)
}

func TestAnArchiveThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	_, err := export.WriteInstance(t.Context(), from, &full{left: 3000}, export.InstanceOptions{Ring: from.ring})
	require.ErrorIs(t, err, errFull)
}

var errFull = errors.New("no space left")

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func FuzzReadInstance(f *testing.F) {
	f.Add([]byte("[\"a\",\"b\"]\n"))
	f.Add([]byte("[null,{\"b\":\"AAAA\"}]\n[true,{\"f\":\"1e3\"}]\n"))
	f.Add([]byte("[-1,{\"s\":\"/w==\"}]\n"))
	f.Fuzz(func(t *testing.T, rows []byte) {
		manifest := inside{name: "manifest.json", data: []byte(`{"format":"semaphore-instance","version":1,"schema":10}`)}
		part := inside{name: "data/000001-option.jsonl", data: append([]byte("{\"table\":\"option\",\"columns\":[\"key\",\"value\"]}\n"), rows...)}
		archive := pack(t, reseal(t, []inside{manifest, part}))
		report, err := export.CheckInstance(t.Context(), bytes.NewReader(archive), nil)
		if err == nil {
			require.Equal(t, int64(bytes.Count(rows, []byte("\n"))), report.Rows)
			return
		}
		require.ErrorIs(t, err, export.ErrArchiveDamaged)
	})
}
