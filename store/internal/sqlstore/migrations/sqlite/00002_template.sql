-- +goose Up

CREATE TABLE template (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    app TEXT NOT NULL,
    playbook TEXT NOT NULL,
    inventory_id INTEGER,
    repository_id INTEGER NOT NULL,
    environment_id INTEGER,
    arguments TEXT,
    git_branch TEXT,
    description TEXT,
    allow_override_args_in_task BOOLEAN NOT NULL,
    allow_override_branch_in_task BOOLEAN NOT NULL,
    allow_parallel_tasks BOOLEAN NOT NULL,
    type TEXT NOT NULL,
    start_version TEXT,
    build_template_id INTEGER,
    autorun BOOLEAN NOT NULL,
    view_id INTEGER,
    survey_vars TEXT NOT NULL,
    suppress_success_alerts BOOLEAN NOT NULL,
    task_params TEXT,
    runner_tag TEXT,
    options TEXT NOT NULL,
    tasks INTEGER NOT NULL,
    UNIQUE (project_id, id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, repository_id) REFERENCES repository (project_id, id),
    FOREIGN KEY (project_id, inventory_id) REFERENCES inventory (project_id, id),
    FOREIGN KEY (project_id, environment_id) REFERENCES environment (project_id, id),
    FOREIGN KEY (project_id, view_id) REFERENCES view (project_id, id),
    FOREIGN KEY (project_id, build_template_id) REFERENCES template (project_id, id)
);
CREATE INDEX template_repository_id ON template (repository_id, project_id);
CREATE INDEX template_inventory_id ON template (inventory_id, project_id) WHERE inventory_id IS NOT NULL;
CREATE INDEX template_environment_id ON template (environment_id, project_id) WHERE environment_id IS NOT NULL;
CREATE INDEX template_view_id ON template (view_id, project_id) WHERE view_id IS NOT NULL;
CREATE INDEX template_build_template_id ON template (build_template_id, project_id) WHERE build_template_id IS NOT NULL;

CREATE TABLE template_vault (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    template_id INTEGER NOT NULL,
    vault_key_id INTEGER,
    name TEXT,
    type TEXT NOT NULL,
    script TEXT,
    FOREIGN KEY (project_id, vault_key_id) REFERENCES access_key (project_id, id),
    FOREIGN KEY (project_id, template_id) REFERENCES template (project_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX template_vault_template_id_vault_key_id_name_key ON template_vault (template_id, vault_key_id, lower(name));
CREATE INDEX template_vault_vault_key_id ON template_vault (vault_key_id, project_id) WHERE vault_key_id IS NOT NULL;
CREATE INDEX template_vault_project_id ON template_vault (project_id);

CREATE TABLE template_role (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    role_slug TEXT NOT NULL,
    template_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    permissions INTEGER NOT NULL,
    FOREIGN KEY (project_id, template_id) REFERENCES template (project_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX template_role_template_id_role_slug_key ON template_role (template_id, lower(role_slug));
CREATE INDEX template_role_project_id ON template_role (project_id);

CREATE TABLE integration (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    project_id INTEGER NOT NULL,
    template_id INTEGER NOT NULL,
    auth_method TEXT NOT NULL,
    auth_secret_id INTEGER,
    auth_header TEXT NOT NULL,
    searchable BOOLEAN NOT NULL,
    UNIQUE (project_id, id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, auth_secret_id) REFERENCES access_key (project_id, id),
    FOREIGN KEY (project_id, template_id) REFERENCES template (project_id, id) ON DELETE CASCADE
);
CREATE INDEX integration_auth_secret_id ON integration (auth_secret_id, project_id) WHERE auth_secret_id IS NOT NULL;
CREATE INDEX integration_template_id ON integration (template_id, project_id);

CREATE TABLE integration_matcher (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    integration_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    match_type TEXT NOT NULL,
    method TEXT NOT NULL,
    body_data_type TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    FOREIGN KEY (project_id, integration_id) REFERENCES integration (project_id, id) ON DELETE CASCADE
);
CREATE INDEX integration_matcher_integration_id ON integration_matcher (integration_id, project_id);
CREATE INDEX integration_matcher_project_id ON integration_matcher (project_id);

CREATE TABLE integration_extractor (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    integration_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    value_source TEXT NOT NULL,
    body_data_type TEXT NOT NULL,
    key TEXT NOT NULL,
    variable TEXT NOT NULL,
    variable_type TEXT NOT NULL,
    FOREIGN KEY (project_id, integration_id) REFERENCES integration (project_id, id) ON DELETE CASCADE
);
CREATE INDEX integration_extractor_integration_id ON integration_extractor (integration_id, project_id);
CREATE INDEX integration_extractor_project_id ON integration_extractor (project_id);

CREATE TABLE integration_alias (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    integration_id INTEGER,
    alias TEXT NOT NULL,
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, integration_id) REFERENCES integration (project_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX integration_alias_alias_key ON integration_alias (lower(alias));
CREATE INDEX integration_alias_project_id ON integration_alias (project_id);
CREATE INDEX integration_alias_integration_id ON integration_alias (integration_id, project_id) WHERE integration_id IS NOT NULL;

CREATE TABLE task_params (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    schedule_id INTEGER,
    integration_id INTEGER,
    environment TEXT NOT NULL,
    arguments TEXT,
    git_branch TEXT,
    message TEXT NOT NULL,
    version TEXT,
    inventory_id INTEGER,
    params TEXT,
    secret TEXT,
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, inventory_id) REFERENCES inventory (project_id, id),
    FOREIGN KEY (project_id, integration_id) REFERENCES integration (project_id, id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, schedule_id) REFERENCES schedule (project_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX task_params_schedule_id_key ON task_params (schedule_id);
CREATE UNIQUE INDEX task_params_integration_id_key ON task_params (integration_id);
CREATE INDEX task_params_project_id ON task_params (project_id);
CREATE INDEX task_params_inventory_id ON task_params (inventory_id, project_id) WHERE inventory_id IS NOT NULL;

CREATE TABLE schedule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    template_id INTEGER NOT NULL,
    cron_format TEXT NOT NULL,
    name TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    type TEXT NOT NULL,
    delete_after_run BOOLEAN NOT NULL,
    repository_id INTEGER,
    run_at INTEGER,
    created INTEGER NOT NULL,
    timezone TEXT NOT NULL,
    overlap TEXT NOT NULL,
    missed TEXT NOT NULL,
    missed_seconds INTEGER NOT NULL,
    next_run INTEGER,
    last_run INTEGER,
    last_commit_hash TEXT,
    last_error TEXT NOT NULL,
    UNIQUE (project_id, id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, repository_id) REFERENCES repository (project_id, id),
    FOREIGN KEY (project_id, template_id) REFERENCES template (project_id, id) ON DELETE CASCADE
);
CREATE INDEX schedule_repository_id ON schedule (repository_id, project_id) WHERE repository_id IS NOT NULL;
CREATE INDEX schedule_template_id ON schedule (template_id, project_id);

CREATE TABLE runner (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER,
    webhook TEXT NOT NULL,
    max_parallel_tasks INTEGER NOT NULL,
    active BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    tag TEXT NOT NULL,
    touched INTEGER,
    cleaning_requested INTEGER,
    token_hash TEXT NOT NULL,
    public_key TEXT,
    version TEXT NOT NULL,
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX runner_token_hash_key ON runner (lower(token_hash));
CREATE INDEX runner_project_id ON runner (project_id);

CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER,
    project_id INTEGER,
    integration_id INTEGER,
    object_id INTEGER,
    object_type TEXT NOT NULL,
    description TEXT NOT NULL,
    created INTEGER NOT NULL,
    FOREIGN KEY (user_id) REFERENCES app_user (id),
    FOREIGN KEY (project_id) REFERENCES project (id),
    FOREIGN KEY (integration_id) REFERENCES integration (id)
);
CREATE INDEX event_user_id ON event (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX event_project_id ON event (project_id);
CREATE INDEX event_integration_id ON event (integration_id) WHERE integration_id IS NOT NULL;

CREATE TABLE terraform_alias (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    inventory_id INTEGER NOT NULL,
    auth_key_id INTEGER NOT NULL,
    alias TEXT NOT NULL,
    FOREIGN KEY (project_id, auth_key_id) REFERENCES access_key (project_id, id),
    FOREIGN KEY (project_id, inventory_id) REFERENCES inventory (project_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX terraform_alias_alias_key ON terraform_alias (lower(alias));
CREATE INDEX terraform_alias_auth_key_id ON terraform_alias (auth_key_id, project_id);
CREATE INDEX terraform_alias_inventory_id ON terraform_alias (inventory_id, project_id);
CREATE INDEX terraform_alias_project_id ON terraform_alias (project_id);

CREATE INDEX schedule_next_run ON schedule (next_run) WHERE active;
CREATE INDEX event_created ON event (created);

CREATE TABLE option (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
