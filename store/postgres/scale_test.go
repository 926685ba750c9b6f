package postgres_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// What one statement may touch, however many tasks there are.
const mostBlocks = 2500

// explainer runs each statement's plan before it: with the arguments in sight and
// as it is kept for any arguments.
type explainer struct {
	sqlstore.Querier

	t    *testing.T
	seen *seen
}

type seen struct {
	mu   sync.Mutex
	most map[string]int // blocks by statement
	bad  []string
}

func (e explainer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	e.explain(ctx, query, args)
	return e.Querier.QueryContext(ctx, query, args...)
}

func (e explainer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	e.explain(ctx, query, args)
	return e.Querier.ExecContext(ctx, query, args...)
}

func (e explainer) explain(ctx context.Context, query string, args []any) {
	text := strings.TrimSpace(query)
	reads := strings.HasPrefix(text, "SELECT") || strings.HasPrefix(text, "WITH")
	if !reads && !strings.HasPrefix(text, "UPDATE") && !strings.HasPrefix(text, "DELETE") || strings.Contains(text, "pg_advisory") {
		return
	}
	q := e.Querier
	if db, ok := q.(*sql.DB); ok { // one connection for all of it
		conn, err := db.Conn(ctx)
		require.NoError(e.t, err)
		defer func() { require.NoError(e.t, conn.Close()) }()
		q = conn
	}
	options := "FORMAT JSON"
	if reads {
		options += ", ANALYZE, BUFFERS, TIMING OFF"
	}
	custom := 0.0
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		_, err := q.ExecContext(ctx, "SET plan_cache_mode = "+mode+"; PREPARE probe AS "+query)
		require.NoError(e.t, err, query)
		execute := "EXECUTE probe"
		if len(args) > 0 {
			execute += "(" + literals(args) + ")"
		}
		root := plan(ctx, e.t, q, "EXPLAIN ("+options+") "+execute)
		if custom == 0 {
			custom = root.Cost
		}
		// One for any arguments is kept only where it looks no worse, planning included.
		if root.Cost <= custom+50 {
			e.judge(query, mode, root)
		}
		_, err = q.ExecContext(ctx, "DEALLOCATE probe; RESET plan_cache_mode")
		require.NoError(e.t, err)
	}
}

func literals(args []any) string {
	list := make([]string, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case nil:
			list[i] = "NULL"
		case string:
			list[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'"
		case []byte:
			list[i] = fmt.Sprintf(`'\x%x'`, v)
		default:
			list[i] = fmt.Sprint(v)
		}
	}
	return strings.Join(list, ", ")
}

// node is a part of a plan.
type node struct {
	Type     string  `json:"Node Type"`
	Cost     float64 `json:"Total Cost"`
	Relation string  `json:"Relation Name"`
	Hit      int     `json:"Shared Hit Blocks"`
	Read     int     `json:"Shared Read Blocks"`
	Plans    []node
}

func (n node) walk(f func(node)) {
	f(n)
	for _, p := range n.Plans {
		p.walk(f)
	}
}

func plan(ctx context.Context, t *testing.T, q sqlstore.Querier, query string) (root node) {
	rows, err := q.QueryContext(ctx, query)
	require.NoError(t, err, query)
	defer rows.Close()
	require.True(t, rows.Next())
	var text string
	require.NoError(t, rows.Scan(&text))
	require.NoError(t, rows.Err())
	var top []struct{ Plan node }
	require.NoError(t, json.Unmarshal([]byte(text), &top))
	return top[0].Plan
}

func (e explainer) judge(query, mode string, root node) {
	e.seen.mu.Lock()
	defer e.seen.mu.Unlock()
	blocks := root.Hit + root.Read
	e.seen.most[query] = max(e.seen.most[query], blocks)
	whole := false
	root.walk(func(n node) {
		whole = whole || n.Type == "Seq Scan" && (n.Relation == "task" || n.Relation == "log_chunk" || n.Relation == "event" || n.Relation == "task_attempt")
	})
	if whole || blocks > mostBlocks {
		e.seen.bad = append(e.seen.bad, fmt.Sprintf("%s: %d blocks, whole table %t: %s", mode, blocks, whole, strings.Join(strings.Fields(query), " ")))
	}
}

// manyTasks are finished tasks of many templates, some that wait, and output. The
// first two templates have had none for long.
func manyTasks(t *testing.T, url string, n int, tpls []store.Template) {
	t.Helper()
	ids := make([]string, len(tpls))
	for i, tpl := range tpls {
		ids[i] = fmt.Sprintf("(%d, %d, %d)", i, tpl.ID, tpl.ProjectID)
	}
	db := rawDB(t, url)
	db.SetMaxOpenConns(1)
	for _, query := range []string{
		"SET session_replication_role = replica; SET search_path TO semaphore_go",
		fmt.Sprintf(`INSERT INTO task (template_id, project_id, status, playbook, environment, created, start, "end", message, commit_message, attempt,
				reason, exit_code, unreachable, prompt, runner_tag, log_lines, log_bytes, late, parallel, max_retries, lost_after, stop_level, lease_owner, snapshot)
			SELECT p.id, p.project, CASE WHEN i %% 2000 = 7 THEN 'waiting' WHEN i %% 9 = 0 THEN 'error' ELSE 'success' END, '', '{}',
				1700000000000 + i, 1700000000000 + i, 1700000000000 + i, 'task ' || i, '', 1,
				'', 0, FALSE, '', '', 100, 1000, FALSE, TRUE, 0, 60000, '', '', convert_to(repeat('x', 200), 'UTF8')
			FROM generate_series(1, %d) i JOIN (VALUES %s) p (n, id, project)
				ON p.n = CASE WHEN i <= %d THEN i %% 2 ELSE 2 + i %% %d END ORDER BY i`, n, strings.Join(ids, ", "), n/50, len(tpls)-2),
		`INSERT INTO log_chunk (task_id, project_id, first_line, lines, attempt, start, codec, late, fresh, bytes, data)
			SELECT id, project_id, 0, 100, 1, 0, 0, FALSE, FALSE, 1000, convert_to('x', 'UTF8') FROM task`,
		`INSERT INTO task_attempt (task_id, project_id, attempt, lease_id, log_seq, finished, late)
			SELECT id, project_id, 1, 'lease', 1, TRUE, FALSE FROM task`,
		`INSERT INTO event (project_id, object_id, object_type, description, created) SELECT project_id, id, 'task', 'ran', created FROM task`,
		"ANALYZE; RESET session_replication_role",
	} {
		_, err := db.ExecContext(t.Context(), query)
		require.NoError(t, err, query)
	}
}

// TestManyTasksMakeNothingSlow looks at the plans of what is done all the time,
// with a million tasks.
func TestManyTasksMakeNothingSlow(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes many rows")
	}
	const n = 1_000_000
	url := pgtest.Shared(t).Database(t)
	plain := open(t, url, postgres.Config{})
	quiet, first := template(t, plain, true), template(t, plain, true)
	tpls := []store.Template{quiet, templateIn(t, plain, first.ProjectID, true), first, template(t, plain, true)}
	for range 38 {
		tpls = append(tpls, templateIn(t, plain, first.ProjectID, true))
	}
	manyTasks(t, url, n, tpls)
	e := explainer{t: t, seen: &seen{most: map[string]int{}}}
	s := postgres.Watch(plain, func(q sqlstore.Querier) sqlstore.Querier { e.Querier = q; return e })
	useAll(t, s, first, tpls[:2])
	require.Empty(t, strings.Join(e.seen.bad, "\n"))
	require.Greater(t, len(e.seen.most), 30, "few statements were looked at")
	for query, blocks := range e.seen.most {
		if blocks > 500 {
			t.Logf("%d blocks: %s", blocks, strings.Join(strings.Fields(query), " "))
		}
	}
}

// useAll does what servers and people do all the time.
func useAll(t *testing.T, s store.Store, tpl store.Template, quiet []store.Template) {
	t.Helper()
	ctx, q := t.Context(), s.Queue()
	unfinished := slices.DeleteFunc(store.Statuses(), store.Status.Finished)
	task := add(t, s, tpl)
	for _, tags := range [][]string{{""}, {"none"}, {"none", ""}} {
		_, err := q.Claim(ctx, store.ClaimRequest{Owner: "me", Tags: tags, Max: 3, TTL: time.Hour, MaxParallel: 100})
		require.NoError(t, err)
	}
	c := claim(t, s, 1)[0]
	require.NoError(t, q.Append(ctx, c.Lease, store.Append{Seq: 1, Status: store.Running, Lines: []store.LogLine{{Text: "x"}}}))
	_, err := q.Extend(ctx, "me", []store.Lease{c.Lease}, time.Hour)
	require.NoError(t, err)
	_, err = q.Expire(ctx, store.Expiry{Self: "other"})
	require.NoError(t, err)
	_, err = q.Leases(ctx)
	require.NoError(t, err)
	_, err = s.Tasks().Place(ctx, tpl.ProjectID, task.ID, 10)
	require.NoError(t, err)
	_, err = q.Finish(ctx, c.Lease, store.Finish{Status: store.Success})
	require.NoError(t, err)
	_, err = q.Outbox(ctx, time.Now(), 100)
	require.NoError(t, err)
	for _, f := range []store.TaskFilter{
		{ProjectID: quiet[0].ProjectID, Limit: 100},
		{ProjectID: quiet[1].ProjectID, TemplateID: quiet[1].ID, Limit: 100},
		{ProjectID: tpl.ProjectID, Limit: 100},
		{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Limit: 100},
		{Limit: 100},
		{Statuses: []store.Status{store.Waiting, store.Running}, Limit: 100},
		{Statuses: unfinished, Limit: 100, Oldest: true},
		{ProjectID: tpl.ProjectID, Statuses: unfinished, Limit: 100},
	} {
		page, err := s.Tasks().List(ctx, f)
		require.NoError(t, err)
		f.After = page.Next
		_, err = s.Tasks().List(ctx, f)
		require.NoError(t, err)
	}
	for _, f := range []store.TaskFilter{{Statuses: unfinished}, {ProjectID: tpl.ProjectID, Statuses: unfinished}} {
		_, err = s.Tasks().Counts(ctx, f)
		require.NoError(t, err)
	}
	for _, project := range []int64{tpl.ProjectID, quiet[0].ProjectID} {
		_, err = s.Tasks().Last(ctx, project, 5)
		require.NoError(t, err)
		_, err = s.Events().List(ctx, project, store.Query{Limit: 50})
		require.NoError(t, err)
	}
	_, err = s.Logs().Read(ctx, tpl.ProjectID, c.Task.ID, 0, 100)
	require.NoError(t, err)
	_, err = s.Logs().Compact(ctx)
	require.NoError(t, err)
	_, err = s.Events().Purge(ctx, 1700000000100, 50)
	require.NoError(t, err)
	_, err = s.Tasks().Stop(ctx, tpl.ProjectID, task.ID, store.StopGentle, store.Event{})
	require.NoError(t, err)
	_, err = s.Schedules().Due(ctx, time.Now(), 10)
	require.NoError(t, err)
	require.NoError(t, s.Tasks().Delete(ctx, tpl.ProjectID, c.Task.ID))
}
