package crash_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// smallDiskEnv names a directory to mount a small disk on.
const smallDiskEnv = "CRASH_SMALL_DISK"

// TestAFullDiskLosesNothing runs the tests below in a process of its own, whose
// mounts nobody else sees and which end with it.
func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestOnASmallDisk$", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), smallDiskEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) && os.Getenv("CI") == "" {
		t.Skip("this user may not mount anything here")
	}
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: TestOnASmallDisk")
}

// TestOnASmallDisk fills the disk of the database under a running pool.
func TestOnASmallDisk(t *testing.T) {
	dir := os.Getenv(smallDiskEnv)
	if dir == "" {
		return // it runs inside of TestAFullDiskLosesNothing
	}
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"))
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "semaphore.db"), sqlite.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })

	talk := talker{begun: make(chan struct{}, 10), full: make(chan struct{})}
	counting := &fullStore{Store: st}
	p := pooltest.New(t, pooltest.Options{Store: counting, Executor: talk, Config: pool.Config{MaxParallel: 1, Poll: 20 * time.Millisecond}})
	tpl := p.Template(store.Template{})
	running, waiting := p.Add(tpl), p.Add(tpl)
	<-talk.begun

	filler := fill(t, dir)
	close(talk.full) // from now on it has output that nobody can store
	require.Eventually(t, func() bool { return counting.refused.Load() > 2 }, time.Minute, time.Millisecond)
	require.Eventually(t, func() bool { // what is left in pages that the file has is used up
		_, err := p.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Message: "while the disk is full"}})
		if err == nil {
			return false
		}
		require.ErrorIs(t, err, store.ErrFull)
		require.Contains(t, err.Error(), "no space left")
		return true
	}, time.Minute, time.Millisecond)
	now, err := p.Task(t.Context(), running.ProjectID, running.ID)
	require.NoError(t, err, "reading goes on")
	require.False(t, now.Status.Finished())
	now, err = p.Task(t.Context(), waiting.ProjectID, waiting.ID)
	require.NoError(t, err)
	require.Equal(t, store.Waiting, now.Status)

	require.NoError(t, os.Remove(filler))
	for _, task := range []store.Task{running, waiting, p.Add(tpl)} {
		done := p.Await(task, store.Success)
		require.Equal(t, 1, done.Attempt)
		require.Equal(t, talkLines, p.Log(task))
	}
	require.Equal(t, "ok", integrity(t, filepath.Join(dir, "semaphore.db")))
}

// talkLines is what each task prints.
var talkLines = slices.Repeat([]string{"a line of the task that is long enough to need some room"}, 500)

// talker begins to print when the disk is full.
type talker struct {
	begun chan struct{}
	full  chan struct{}
}

func (e talker) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	if err := sink.Status(context.WithoutCancel(ctx), job.Status{State: job.Running, Phase: job.PhaseRun}); err != nil {
		return err
	}
	e.begun <- struct{}{}
	<-e.full
	return (&jobtest.Fake{Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Lines: talkLines} }}).Run(ctx, spec, sink)
}

// fullStore counts reports that the disk had no room for.
type fullStore struct {
	*sqlite.Store
	refused atomic.Int64
}

func (s *fullStore) Queue() store.TaskQueue { return fullQueue{s.Store.Queue(), s} }

type fullQueue struct {
	store.TaskQueue
	s *fullStore
}

func (q fullQueue) Append(ctx context.Context, l store.Lease, a store.Append) error {
	err := q.TaskQueue.Append(ctx, l, a)
	if errors.Is(err, store.ErrFull) {
		q.s.refused.Add(1)
	}
	return err
}

// fill takes all room of a disk and returns the file that holds it.
func fill(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	require.NoError(t, err)
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			return f.Name()
		}
	}
}

func integrity(t *testing.T, file string) string {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer db.Close()
	var answer string
	require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&answer))
	return answer
}
