-- +goose Up

CREATE TABLE app_user (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created INTEGER NOT NULL,
    username TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    admin BOOLEAN NOT NULL,
    external BOOLEAN NOT NULL,
    alert BOOLEAN NOT NULL,
    pro BOOLEAN NOT NULL,
    password TEXT NOT NULL
);
CREATE UNIQUE INDEX app_user_username_key ON app_user (lower(username));
CREATE UNIQUE INDEX app_user_email_key ON app_user (lower(email));

CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_active INTEGER NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    expired BOOLEAN NOT NULL,
    verification_method INTEGER NOT NULL,
    verified BOOLEAN NOT NULL,
    secret TEXT NOT NULL,
    FOREIGN KEY (user_id) REFERENCES app_user (id) ON DELETE CASCADE
);
CREATE INDEX session_user_id ON session (user_id);

CREATE TABLE api_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expired BOOLEAN NOT NULL,
    prefix TEXT NOT NULL,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires INTEGER,
    FOREIGN KEY (user_id) REFERENCES app_user (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX api_token_hash_key ON api_token (lower(hash));
CREATE INDEX api_token_user_id ON api_token (user_id);

CREATE TABLE totp (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    url TEXT NOT NULL,
    recovery_hash TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    last_step INTEGER NOT NULL,
    FOREIGN KEY (user_id) REFERENCES app_user (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX totp_user_id_key ON totp (user_id);

CREATE TABLE email_otp (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    tries INTEGER NOT NULL,
    FOREIGN KEY (user_id) REFERENCES app_user (id) ON DELETE CASCADE
);
CREATE INDEX email_otp_user_id ON email_otp (user_id);

CREATE TABLE project (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created INTEGER NOT NULL,
    name TEXT NOT NULL,
    alert BOOLEAN NOT NULL,
    alert_chat TEXT,
    max_parallel_tasks INTEGER NOT NULL,
    type TEXT NOT NULL,
    default_secret_storage_id INTEGER,
    host_keys TEXT NOT NULL,
    max_seconds INTEGER NOT NULL,
    retention TEXT NOT NULL,
    FOREIGN KEY (default_secret_storage_id) REFERENCES secret_storage (id)
);
CREATE INDEX project_default_secret_storage_id ON project (default_secret_storage_id) WHERE default_secret_storage_id IS NOT NULL;

CREATE TABLE member (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    role TEXT NOT NULL,
    FOREIGN KEY (user_id) REFERENCES app_user (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX member_project_id_user_id_key ON member (project_id, user_id);
CREATE INDEX member_user_id ON member (user_id);

CREATE TABLE role (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    permissions INTEGER NOT NULL,
    project_id INTEGER,
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX role_slug_key ON role (lower(slug));
CREATE INDEX role_project_id ON role (project_id);

CREATE TABLE invite (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    user_id INTEGER,
    email TEXT,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    token TEXT NOT NULL,
    inviter_user_id INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    accepted INTEGER,
    FOREIGN KEY (user_id) REFERENCES app_user (id) ON DELETE CASCADE,
    FOREIGN KEY (inviter_user_id) REFERENCES app_user (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX invite_token_key ON invite (lower(token));
CREATE UNIQUE INDEX invite_project_id_user_id_key ON invite (project_id, user_id);
CREATE UNIQUE INDEX invite_project_id_email_key ON invite (project_id, lower(email));
CREATE INDEX invite_user_id ON invite (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX invite_inviter_user_id ON invite (inviter_user_id);

CREATE TABLE known_host (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    host TEXT NOT NULL,
    key_type TEXT NOT NULL,
    key TEXT NOT NULL,
    created INTEGER NOT NULL,
    task_id INTEGER,
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX known_host_project_id_host_key_type_key ON known_host (project_id, lower(host), lower(key_type));

CREATE TABLE access_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    project_id INTEGER NOT NULL,
    secret TEXT,
    owner TEXT NOT NULL,
    plain TEXT,
    environment_id INTEGER,
    storage_id INTEGER,
    source_storage_id INTEGER,
    source_storage_key TEXT,
    source_storage_type TEXT,
    UNIQUE (project_id, id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, source_storage_id) REFERENCES secret_storage (project_id, id),
    FOREIGN KEY (project_id, storage_id) REFERENCES secret_storage (project_id, id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, environment_id) REFERENCES environment (project_id, id) ON DELETE CASCADE
);
CREATE INDEX access_key_source_storage_id ON access_key (source_storage_id, project_id) WHERE source_storage_id IS NOT NULL;
CREATE INDEX access_key_storage_id ON access_key (storage_id, project_id) WHERE storage_id IS NOT NULL;
CREATE INDEX access_key_environment_id ON access_key (environment_id, project_id) WHERE environment_id IS NOT NULL;

CREATE TABLE secret_storage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    params TEXT,
    readonly BOOLEAN NOT NULL,
    source_storage_type TEXT,
    UNIQUE (project_id, id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
);

CREATE TABLE repository (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    project_id INTEGER NOT NULL,
    git_url TEXT NOT NULL,
    git_branch TEXT NOT NULL,
    ssh_key_id INTEGER NOT NULL,
    UNIQUE (project_id, id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, ssh_key_id) REFERENCES access_key (project_id, id)
);
CREATE INDEX repository_ssh_key_id ON repository (ssh_key_id, project_id);

CREATE TABLE inventory (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    project_id INTEGER NOT NULL,
    inventory TEXT NOT NULL,
    ssh_key_id INTEGER,
    become_key_id INTEGER,
    type TEXT NOT NULL,
    template_id INTEGER,
    repository_id INTEGER,
    runner_tag TEXT,
    host_keys TEXT NOT NULL,
    UNIQUE (project_id, id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, ssh_key_id) REFERENCES access_key (project_id, id),
    FOREIGN KEY (project_id, become_key_id) REFERENCES access_key (project_id, id),
    FOREIGN KEY (project_id, repository_id) REFERENCES repository (project_id, id),
    FOREIGN KEY (project_id, template_id) REFERENCES template (project_id, id)
);
CREATE INDEX inventory_ssh_key_id ON inventory (ssh_key_id, project_id) WHERE ssh_key_id IS NOT NULL;
CREATE INDEX inventory_become_key_id ON inventory (become_key_id, project_id) WHERE become_key_id IS NOT NULL;
CREATE INDEX inventory_repository_id ON inventory (repository_id, project_id) WHERE repository_id IS NOT NULL;
CREATE INDEX inventory_template_id ON inventory (template_id, project_id) WHERE template_id IS NOT NULL;

CREATE TABLE environment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    project_id INTEGER NOT NULL,
    password TEXT,
    json TEXT NOT NULL,
    env TEXT,
    secret_storage_id INTEGER,
    secret_storage_key_prefix TEXT,
    UNIQUE (project_id, id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, secret_storage_id) REFERENCES secret_storage (project_id, id)
);
CREATE INDEX environment_secret_storage_id ON environment (secret_storage_id, project_id) WHERE secret_storage_id IS NOT NULL;

CREATE TABLE view (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    position INTEGER NOT NULL,
    type TEXT NOT NULL,
    hidden BOOLEAN NOT NULL,
    "filter" TEXT,
    sort_column TEXT,
    sort_reverse BOOLEAN NOT NULL,
    UNIQUE (project_id, id),
    FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
);
