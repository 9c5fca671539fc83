-- +goose Up

-- One row. Who changes an integration advances it first and holds it until
-- the commit: so changes become visible in the order of their numbers, and a
-- reader who saw number n has seen all up to n.
CREATE TABLE state_clock (
    one SMALLINT PRIMARY KEY CHECK (one = 1),
    now BIGINT NOT NULL
);
INSERT INTO state_clock (one, now) VALUES (1, 0);

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
CREATE INDEX integrations_stamp ON integrations (stamp);
CREATE INDEX integrations_next_pull ON integrations (next_pull) WHERE next_pull IS NOT NULL;
CREATE INDEX integrations_next_probe ON integrations (next_probe) WHERE next_probe IS NOT NULL;

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
CREATE INDEX incidents_integration ON incidents (integration, opened, seq);
CREATE INDEX incidents_opened ON incidents (opened, seq);
CREATE INDEX incidents_open ON incidents (integration, opened, seq) WHERE closed IS NULL;

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
CREATE INDEX gaps_integration ON gaps (integration, seq);
CREATE INDEX gaps_open ON gaps (integration, seq) WHERE closed IS NULL;

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
CREATE INDEX pulls_integration ON pulls (integration, started, seq);
CREATE INDEX pulls_good ON pulls (integration, started, seq) WHERE outcome IN ('succeeded', 'partly');
CREATE INDEX pulls_started ON pulls (started, seq);

-- Events outlive their integration: who removed it, who opened its secrets.
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
CREATE INDEX events_integration ON events (integration, happened, seq);
CREATE INDEX events_timeline ON events (integration, happened, seq) WHERE audit_only = 0;
CREATE INDEX events_happened ON events (happened, seq);
CREATE INDEX events_happened_timeline ON events (happened, seq) WHERE audit_only = 0;

-- A destroyed version keeps its row without the sealed part, so that its
-- number is never given again. No reference to integrations: a key pair is
-- sealed before its integration is stored.
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
CREATE INDEX sessions_person ON sessions (person);
CREATE INDEX sessions_created ON sessions (created);

CREATE TABLE api_tokens (
    id        TEXT PRIMARY KEY CHECK (id <> ''),
    name      TEXT NOT NULL,
    role      TEXT NOT NULL,
    hash      TEXT NOT NULL UNIQUE,
    made_by   TEXT NOT NULL,
    created   BIGINT NOT NULL,
    last_used BIGINT
);
