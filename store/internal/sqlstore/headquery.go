package sqlstore

// headsQuery walks from template to template over the index of what waits, and
// picks the head of each class that nothing of its template keeps from starting.
// Of a class's columns, serial and parallel tell what the started tasks of the
// template are: 2 where one has a worker, 1 where one waits for a person or was
// confirmed, none where there is no such task.
const headsQuery = `
WITH RECURSIVE waiting (template_id) AS (
    SELECT * FROM (SELECT template_id FROM task WHERE runner_tag = $1 AND status IN ('waiting', 'confirmed')
        ORDER BY template_id LIMIT 1) first
    UNION ALL
    SELECT (SELECT t.template_id FROM task t WHERE t.runner_tag = $1 AND t.status IN ('waiting', 'confirmed')
        AND t.template_id > waiting.template_id ORDER BY t.template_id LIMIT 1)
    FROM waiting WHERE waiting.template_id IS NOT NULL
),
started (template_id, serial, parallel) AS MATERIALIZED (
    SELECT w.template_id,
` + startedOf + `
    FROM waiting w WHERE w.template_id IS NOT NULL
        AND (CAST($2 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM template p WHERE p.id = w.template_id AND p.project_id = $2))
)
SELECT s.template_id,
    CASE WHEN s.serial IS NULL AND s.parallel IS NULL THEN (SELECT t.id FROM task t WHERE t.runner_tag = $1
        AND t.status IN ('waiting', 'confirmed') AND t.template_id = s.template_id AND t.status = 'waiting'
        AND t.parallel = FALSE ORDER BY t.id LIMIT 1) END,
    CASE WHEN s.serial IS NULL THEN (SELECT t.id FROM task t WHERE t.runner_tag = $1
        AND t.status IN ('waiting', 'confirmed') AND t.template_id = s.template_id AND t.status = 'waiting'
        AND t.parallel = TRUE ORDER BY t.id LIMIT 1) END,
    CASE WHEN coalesce(s.serial, 0) < 2 AND coalesce(s.parallel, 0) < 2 THEN (SELECT t.id FROM task t WHERE t.runner_tag = $1
        AND t.status IN ('waiting', 'confirmed') AND t.template_id = s.template_id AND t.status = 'confirmed'
        AND t.parallel = FALSE ORDER BY t.id LIMIT 1) END,
    CASE WHEN coalesce(s.serial, 0) < 2 THEN (SELECT t.id FROM task t WHERE t.runner_tag = $1
        AND t.status IN ('waiting', 'confirmed') AND t.template_id = s.template_id AND t.status = 'confirmed'
        AND t.parallel = TRUE ORDER BY t.id LIMIT 1) END
FROM started s`

// nearQuery chooses the oldest tasks. Serial and parallel are as in headsQuery.
const nearQuery = `
WITH near (id, template_id, runner_tag, status, parallel) AS MATERIALIZED (
    SELECT id, template_id, runner_tag, status, parallel FROM task WHERE status IN ('waiting', 'confirmed') ORDER BY id LIMIT $1
),
started (template_id, serial, parallel) AS MATERIALIZED (
    SELECT w.template_id,
` + startedOf + `
    FROM (SELECT DISTINCT template_id FROM near) w
)
SELECT n.id, n.template_id, n.runner_tag, n.status = 'confirmed', n.parallel, s.serial, s.parallel
FROM near n JOIN started s ON s.template_id = n.template_id ORDER BY n.id`

// startedOf are the columns serial and parallel for a template w: two probes of an
// index each, however much of it was started.
const startedOf = `        CASE WHEN EXISTS (SELECT 1 FROM task o WHERE o.template_id = w.template_id AND o.parallel = FALSE
            AND o.status IN ('starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed')
            AND o.status IN ('starting', 'running', 'stopping')) THEN 2
        WHEN EXISTS (SELECT 1 FROM task o WHERE o.template_id = w.template_id AND o.parallel = FALSE
            AND o.status IN ('starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed')
            AND o.status IN ('waiting_confirmation', 'confirmed')) THEN 1 END,
        CASE WHEN EXISTS (SELECT 1 FROM task o WHERE o.template_id = w.template_id AND o.parallel = TRUE
            AND o.status IN ('starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed')
            AND o.status IN ('starting', 'running', 'stopping')) THEN 2
        WHEN EXISTS (SELECT 1 FROM task o WHERE o.template_id = w.template_id AND o.parallel = TRUE
            AND o.status IN ('starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed')
            AND o.status IN ('waiting_confirmation', 'confirmed')) THEN 1 END`
