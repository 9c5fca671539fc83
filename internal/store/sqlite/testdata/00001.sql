CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE state_clock (
    one SMALLINT PRIMARY KEY CHECK (one = 1),
    now BIGINT NOT NULL
);
CREATE TABLE integrations (
    id         TEXT PRIMARY KEY CHECK (id <> ''),
    slug       TEXT NOT NULL UNIQUE CHECK (slug <> ''),
    name       TEXT NOT NULL,
    connector  TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    stamp      BIGINT NOT NULL DEFAULT 0, -- state_clock at the last change of anything that belongs to it
    created    BIGINT,
    created_by TEXT NOT NULL,
    paused     SMALLINT NOT NULL,
    every_ns   BIGINT NOT NULL,
    next_pull  BIGINT,
    next_probe BIGINT,
    attempts   BIGINT NOT NULL,
    granted    TEXT NOT NULL, -- JSON: Authorization
    previous   TEXT,          -- JSON: Previous
    draft      TEXT,          -- JSON: Draft
    last_pull  TEXT,          -- the newest of pulls
    last_good  TEXT           -- the newest that succeeded, wholly or partly
);
CREATE TABLE integration_tables (
    integration TEXT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    name        TEXT NOT NULL CHECK (name <> ''),
    target      TEXT NOT NULL,
    enabled     SMALLINT NOT NULL,
    last_read   BIGINT,
    last_point  BIGINT,
    last_rows   BIGINT NOT NULL,
    detail      TEXT NOT NULL, -- JSON
    PRIMARY KEY (integration, name)
);
CREATE TABLE incidents (
    seq         INTEGER PRIMARY KEY, -- order of insertion
    id          TEXT NOT NULL UNIQUE CHECK (id <> ''),
    integration TEXT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    table_name  TEXT NOT NULL,
    cause       TEXT NOT NULL,
    code        TEXT NOT NULL,
    opened      BIGINT,
    closed      BIGINT,
    shared      TEXT NOT NULL,
    detail      TEXT NOT NULL -- JSON
);
CREATE TABLE gaps (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE CHECK (id <> ''),
    integration TEXT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    table_name  TEXT NOT NULL,
    incident    TEXT NOT NULL,
    from_at     BIGINT,
    position    TEXT NOT NULL,
    to_at       BIGINT,
    closed      BIGINT,
    receipt     TEXT -- JSON: Receipt
);
CREATE TABLE pulls (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE CHECK (id <> ''),
    integration TEXT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    begun_by    TEXT NOT NULL, -- schedule, person, …
    person      TEXT NOT NULL,
    started     BIGINT,
    ended       BIGINT,
    outcome     TEXT NOT NULL,
    row_count   BIGINT NOT NULL,
    byte_count  BIGINT NOT NULL,
    results     TEXT NOT NULL -- JSON: TableResult, …
);
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE CHECK (id <> ''),
    integration TEXT NOT NULL,
    happened    BIGINT,
    kind        TEXT NOT NULL,
    audit_only  SMALLINT NOT NULL,
    by_whom     TEXT NOT NULL,
    said        TEXT NOT NULL,
    facts       TEXT NOT NULL -- JSON
);
CREATE TABLE credentials (
    integration TEXT NOT NULL CHECK (integration <> ''),
    version     BIGINT NOT NULL CHECK (version > 0),
    sealed      BLOB, -- NULL: destroyed
    created     BIGINT NOT NULL,
    destroyed   BIGINT,
    PRIMARY KEY (integration, version)
);
CREATE TABLE people (
    id       TEXT PRIMARY KEY CHECK (id <> ''),
    email    TEXT NOT NULL UNIQUE CHECK (email <> ''),
    role     TEXT NOT NULL,
    password TEXT NOT NULL, -- argon2id, with its parameters
    created  BIGINT NOT NULL
);
CREATE TABLE setup_links (
    hash    TEXT PRIMARY KEY,
    expires BIGINT NOT NULL
);
CREATE TABLE sessions (
    hash    TEXT PRIMARY KEY,
    person  TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    seen    BIGINT NOT NULL,
    remote  TEXT NOT NULL
);
CREATE TABLE api_tokens (
    id        TEXT PRIMARY KEY CHECK (id <> ''),
    name      TEXT NOT NULL,
    role      TEXT NOT NULL,
    hash      TEXT NOT NULL UNIQUE,
    made_by   TEXT NOT NULL,
    created   BIGINT NOT NULL,
    last_used BIGINT
);
CREATE TABLE river_leader (
    elected_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    leader_id text NOT NULL,
    name text PRIMARY KEY NOT NULL DEFAULT 'default' CHECK (name = 'default'),
    CONSTRAINT name_length CHECK (length(name) > 0 AND length(name) < 128),
    CONSTRAINT leader_id_length CHECK (length(leader_id) > 0 AND length(leader_id) < 128)
);
CREATE TABLE river_migration (
    line text NOT NULL,
    version integer NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT line_length CHECK (length(line) > 0 AND length(line) < 128),
    CONSTRAINT version_gte_1 CHECK (version >= 1),
    PRIMARY KEY (line, version)
);
CREATE TABLE river_notification (
    id integer PRIMARY KEY AUTOINCREMENT,
    created_at timestamp NOT NULL DEFAULT (datetime('now', 'subsec')),
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (length(topic) > 0 AND length(topic) < 128)
);
CREATE TABLE river_queue (
    name text PRIMARY KEY NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    paused_at timestamp,
    updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE river_job (
    id integer PRIMARY KEY AUTOINCREMENT,
    args blob NOT NULL DEFAULT (jsonb('{}')),
    attempt integer NOT NULL DEFAULT 0,
    attempted_at timestamp,
    attempted_by blob, -- json
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    errors blob, -- json
    finalized_at timestamp,
    kind text NOT NULL,
    max_attempts integer NOT NULL DEFAULT 25,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    priority integer NOT NULL DEFAULT 1,
    queue text NOT NULL DEFAULT 'default',
    state text NOT NULL DEFAULT 'available',
    scheduled_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    tags blob NOT NULL DEFAULT (jsonb('[]')),
    unique_key blob,
    unique_states integer,
    CONSTRAINT finalized_or_finalized_at_null CHECK (
        (finalized_at IS NULL AND state NOT IN ('cancelled', 'completed', 'discarded')) OR
        (finalized_at IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded'))
    ),
    CONSTRAINT priority_in_range CHECK (priority >= 1 AND priority <= 4),
    CONSTRAINT queue_length CHECK (length(queue) > 0 AND length(queue) < 128),
    CONSTRAINT kind_length CHECK (length(kind) > 0 AND length(kind) < 128),
    CONSTRAINT state_valid CHECK (state IN ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled'))
);
CREATE INDEX integrations_stamp ON integrations (stamp);
CREATE INDEX integrations_next_pull ON integrations (next_pull) WHERE next_pull IS NOT NULL;
CREATE INDEX integrations_next_probe ON integrations (next_probe) WHERE next_probe IS NOT NULL;
CREATE INDEX incidents_integration ON incidents (integration, opened, seq);
CREATE INDEX incidents_opened ON incidents (opened, seq);
CREATE INDEX incidents_open ON incidents (integration, opened, seq) WHERE closed IS NULL;
CREATE INDEX gaps_integration ON gaps (integration, seq);
CREATE INDEX gaps_open ON gaps (integration, seq) WHERE closed IS NULL;
CREATE INDEX pulls_integration ON pulls (integration, started, seq);
CREATE INDEX pulls_good ON pulls (integration, started, seq) WHERE outcome IN ('succeeded', 'partly');
CREATE INDEX pulls_started ON pulls (started, seq);
CREATE INDEX events_integration ON events (integration, happened, seq);
CREATE INDEX events_timeline ON events (integration, happened, seq) WHERE audit_only = 0;
CREATE INDEX events_happened ON events (happened, seq);
CREATE INDEX events_happened_timeline ON events (happened, seq) WHERE audit_only = 0;
CREATE INDEX sessions_person ON sessions (person);
CREATE INDEX sessions_created ON sessions (created);
CREATE INDEX river_notification_created_at_idx ON river_notification (created_at);
CREATE INDEX river_notification_topic_id_idx ON river_notification (topic, id);
CREATE INDEX river_job_kind ON river_job (kind);
CREATE INDEX river_job_state_and_finalized_at_index ON river_job (state, finalized_at) WHERE finalized_at IS NOT NULL;
CREATE INDEX river_job_prioritized_fetching_index ON river_job (state, queue, priority, scheduled_at, id);
CREATE UNIQUE INDEX river_job_unique_idx ON river_job (unique_key)
    WHERE unique_key IS NOT NULL
        AND unique_states IS NOT NULL
        AND CASE state
            WHEN 'available' THEN unique_states & (1 << 0)
            WHEN 'cancelled' THEN unique_states & (1 << 1)
            WHEN 'completed' THEN unique_states & (1 << 2)
            WHEN 'discarded' THEN unique_states & (1 << 3)
            WHEN 'pending'   THEN unique_states & (1 << 4)
            WHEN 'retryable' THEN unique_states & (1 << 5)
            WHEN 'running'   THEN unique_states & (1 << 6)
            WHEN 'scheduled' THEN unique_states & (1 << 7)
            ELSE 0
        END >= 1;
INSERT INTO goose_db_version VALUES (1, 0, 1, '2026-11-24 23:29:19');
INSERT INTO goose_db_version VALUES (2, 1, 1, '2026-11-24 23:29:19');
INSERT INTO state_clock VALUES (1, 1);
INSERT INTO integrations VALUES ('i1', 'shop', 'Shop', 'postgresql', 1, 1, 1795521600123456, 'ada@example.com', 1, 3600000000000, 1795521600123456, 1795521600123456, 3, '{"Form":"password","Settings":{"host":"db.example.com"},"Public":{"ssh_key":"ssh-ed25519 AAAA"},"Version":2,"Identity":{"Fingerprint":"7301/shop","Account":"shop at db.example.com","User":"pull_ro","Facts":{"server_version":"15.8"},"Expiries":[{"What":"the password of role pull_ro","At":"2026-11-24T12:00:00.123456Z","Source":"password"}],"Trust":{"ssh":"SHA256:abc"},"Warnings":["TLS is off"]},"Granted":"2026-11-24T12:00:00.123456Z","By":"ada@example.com","Verified":"2026-11-24T12:00:00.123456Z"}', '{"Authorization":{"Form":"password","Settings":{"host":"db.example.com"},"Public":{"ssh_key":"ssh-ed25519 AAAA"},"Version":2,"Identity":{"Fingerprint":"7301/shop","Account":"shop at db.example.com","User":"pull_ro","Facts":{"server_version":"15.8"},"Expiries":[{"What":"the password of role pull_ro","At":"2026-11-24T12:00:00.123456Z","Source":"password"}],"Trust":{"ssh":"SHA256:abc"},"Warnings":["TLS is off"]},"Granted":"2026-11-24T12:00:00.123456Z","By":"ada@example.com","Verified":"2026-11-24T12:00:00.123456Z"},"Until":"2026-11-24T12:00:00.123456Z"}', '{"Form":"ssh","Settings":{"a":"b"},"Public":{"c":"d"},"Version":4}', 'p1', 'p1');
INSERT INTO integration_tables VALUES ('i1', 'public.orders', 'orders', 1, 1795521600123456, 1795521600123456, 6, '{"replication":{"Method":"modified_at","Column":"updated_at","Reason":"indexed"},"by_person":true,"excluded":["card"],"rechecks":{"status":{"Every":"daily","Last":"2026-11-24T12:00:00.123456Z"}},"key":["id"],"columns":[{"Name":"id","SourceType":"bigint","Indexed":true,"Denied":true,"Lossy":"rounded"}],"offers":[{"Method":"full_table","Column":"x","Reason":"y"}],"estimated":5,"seen":"2026-11-24T12:00:00.123456Z","gone":true,"allow_empty":true}');
INSERT INTO incidents VALUES (1, 'n1', 'i1', 'public.orders', 'access_changed', 'postgresql.privilege_missing', 1795521600123456, NULL, 'own.egress', '{"public":"SELECT was revoked.","step":"privileges","facts":{"sqlstate":"42501"},"confidence":"certain","evidence":[{"Kind":"fault","Text":"refused","Points":"supports","Seen":"2026-11-24T12:00:00.123456Z","Details":{"a":"b"}}],"last":"2026-11-24T12:00:00.123456Z","count":7,"retry_at":"2026-11-24T12:00:00.123456Z","resolution":"withdrawn"}');
INSERT INTO gaps VALUES (1, 'g1', 'i1', 'public.orders', 'n1', 1795521600123456, '{"id":7}', 1795521600123456, NULL, '{"Pull":"p1","Rows":1,"Bytes":2,"SourceRows":-1,"WarehouseRows":4,"Exact":true,"Note":"n","At":"2026-11-24T12:00:00.123456Z"}');
INSERT INTO pulls VALUES (1, 'p1', 'i1', 'schedule', 'schedule', 1795521600123456, 1795521600123456, 'partly', 10, 20, '[{"Table":"public.orders","Rows":1,"Bytes":2,"Inserted":3,"Updated":4,"Deleted":5,"Took":6,"Code":"c","Public":"p","Note":"n"}]');
INSERT INTO events VALUES (1, 'e1', 'i1', 1795521600123456, 'created', 0, 'ada@example.com', 'Created.', 'null');
INSERT INTO river_migration VALUES ('main', 1, '2026-11-24 23:29:19');
INSERT INTO river_migration VALUES ('main', 2, '2026-11-24 23:29:19');
INSERT INTO river_migration VALUES ('main', 3, '2026-11-24 23:29:19');
INSERT INTO river_migration VALUES ('main', 4, '2026-11-24 23:29:19');
INSERT INTO river_migration VALUES ('main', 5, '2026-11-24 23:29:19');
INSERT INTO river_migration VALUES ('main', 6, '2026-11-24 23:29:19');
INSERT INTO river_migration VALUES ('main', 7, '2026-11-24 23:29:19');
INSERT INTO river_migration VALUES ('main', 8, '2026-11-24 23:29:19');
