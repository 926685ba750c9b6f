-- +goose Up

CREATE TABLE task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    template_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    playbook TEXT NOT NULL,
    environment TEXT NOT NULL,
    arguments TEXT,
    git_branch TEXT,
    inventory_id INTEGER,
    user_id INTEGER,
    integration_id INTEGER,
    schedule_id INTEGER,
    created INTEGER NOT NULL,
    start INTEGER,
    "end" INTEGER,
    message TEXT NOT NULL,
    commit_hash TEXT,
    commit_message TEXT NOT NULL,
    build_task_id INTEGER,
    version TEXT,
    params TEXT,
    attempt INTEGER NOT NULL,
    reason TEXT NOT NULL,
    exit_code INTEGER NOT NULL,
    unreachable BOOLEAN NOT NULL,
    command TEXT,
    "plan" TEXT,
    prompt TEXT NOT NULL,
    runner_id INTEGER,
    runner_tag TEXT NOT NULL,
    fire_time INTEGER,
    log_lines INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    late BOOLEAN NOT NULL,
    parallel BOOLEAN NOT NULL,
    max_retries INTEGER NOT NULL,
    lost_after INTEGER NOT NULL,
    stop_level TEXT NOT NULL,
    confirm_before INTEGER,
    lease_owner TEXT NOT NULL,
    lease_id TEXT NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    lease_renewed INTEGER NOT NULL DEFAULT 0,
    snapshot BLOB,
    secrets BLOB,
    UNIQUE (project_id, id),
    FOREIGN KEY (user_id) REFERENCES app_user (id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, inventory_id) REFERENCES inventory (project_id, id),
    FOREIGN KEY (project_id, template_id) REFERENCES template (project_id, id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, integration_id) REFERENCES integration (project_id, id),
    FOREIGN KEY (project_id, schedule_id) REFERENCES schedule (project_id, id),
    FOREIGN KEY (runner_id) REFERENCES runner (id),
    FOREIGN KEY (project_id, build_task_id) REFERENCES task (project_id, id)
);
CREATE UNIQUE INDEX task_schedule_id_fire_time_key ON task (schedule_id, fire_time) WHERE schedule_id IS NOT NULL;
CREATE INDEX task_user_id ON task (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX task_inventory_id ON task (inventory_id, project_id) WHERE inventory_id IS NOT NULL;
CREATE INDEX task_template_id ON task (template_id, project_id);
CREATE INDEX task_integration_id ON task (integration_id, project_id) WHERE integration_id IS NOT NULL;
CREATE INDEX task_schedule_id ON task (schedule_id, project_id) WHERE schedule_id IS NOT NULL;
CREATE INDEX task_runner_id ON task (runner_id) WHERE runner_id IS NOT NULL;
CREATE INDEX task_build_task_id ON task (build_task_id, project_id) WHERE build_task_id IS NOT NULL;
-- What waits for a worker, in the order of ids and by template.
CREATE INDEX task_queue ON task (id, runner_tag, template_id, status, parallel) WHERE status IN ('waiting', 'confirmed');
CREATE INDEX task_heads ON task (runner_tag, template_id, status, parallel, id) WHERE status IN ('waiting', 'confirmed');
-- What keeps others of its template from starting.
CREATE INDEX task_started ON task (template_id, parallel, status)
    WHERE status IN ('starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed');
-- What has a worker.
CREATE INDEX task_leased ON task (status, project_id) WHERE status IN ('starting', 'running', 'stopping');
CREATE INDEX task_unconfirmed ON task (confirm_before) WHERE status = 'waiting_confirmation';
CREATE INDEX task_status ON task (project_id, status);

CREATE TABLE task_stage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    start INTEGER,
    "end" INTEGER,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    result TEXT,
    FOREIGN KEY (project_id, task_id) REFERENCES task (project_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX task_stage_task_id_number_key ON task_stage (task_id, number);

CREATE TABLE task_ansible_host (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    host TEXT NOT NULL,
    changed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    ignored INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    rescued INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    unreachable INTEGER NOT NULL,
    created INTEGER NOT NULL,
    FOREIGN KEY (project_id, task_id) REFERENCES task (project_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX task_ansible_host_task_id_host_key ON task_ansible_host (task_id, host);

CREATE TABLE task_ansible_error (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    host TEXT NOT NULL,
    task TEXT NOT NULL,
    error TEXT NOT NULL,
    line INTEGER NOT NULL,
    created INTEGER NOT NULL,
    FOREIGN KEY (project_id, task_id) REFERENCES task (project_id, id) ON DELETE CASCADE
);
CREATE INDEX task_ansible_error_task_id ON task_ansible_error (task_id, project_id);

-- The leases that a task was given, and what has come of each.
CREATE TABLE task_attempt (
    task_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    lease_id TEXT NOT NULL,
    log_seq INTEGER NOT NULL,
    finished BOOLEAN NOT NULL,
    late BOOLEAN NOT NULL,
    late_result TEXT,
    PRIMARY KEY (task_id, attempt),
    FOREIGN KEY (project_id, task_id) REFERENCES task (project_id, id) ON DELETE CASCADE
);

-- Output. Fresh chunks are as they were appended; the data is last so that the
-- rest is read without it.
CREATE TABLE log_chunk (
    task_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    first_line INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    start INTEGER NOT NULL,
    codec INTEGER NOT NULL,
    late BOOLEAN NOT NULL,
    fresh BOOLEAN NOT NULL,
    bytes INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (task_id, first_line),
    FOREIGN KEY (project_id, task_id) REFERENCES task (project_id, id) ON DELETE CASCADE
);
CREATE INDEX log_chunk_fresh ON log_chunk (task_id) WHERE fresh;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    task_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    FOREIGN KEY (project_id, task_id) REFERENCES task (project_id, id) ON DELETE CASCADE
);
CREATE INDEX outbox_task_id ON outbox (task_id, project_id);

CREATE TABLE task_bundle (
    task_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    part INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (task_id, part),
    FOREIGN KEY (project_id, task_id) REFERENCES task (project_id, id) ON DELETE CASCADE
);

-- States outlive their template: there is no reference to it.
CREATE TABLE terraform_state (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    template_id INTEGER NOT NULL,
    workspace TEXT NOT NULL,
    lineage TEXT NOT NULL,
    serial INTEGER NOT NULL,
    task_id INTEGER NOT NULL,
    created INTEGER NOT NULL,
    data BLOB NOT NULL,
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
);
CREATE INDEX terraform_state_key ON terraform_state (project_id, template_id, workspace);

CREATE TABLE terraform_state_lock (
    project_id INTEGER NOT NULL,
    template_id INTEGER NOT NULL,
    workspace TEXT NOT NULL,
    task_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (project_id, template_id, workspace),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
);
