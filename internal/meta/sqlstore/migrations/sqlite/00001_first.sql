-- Times are microseconds since 1970 (UTC). Ids are compared byte by byte, which is the order in which they were minted.
-- Text that is not known is '', a moment that is not known is NULL.

-- +goose Up
CREATE TABLE orgs (
	id         TEXT    NOT NULL PRIMARY KEY,
	name       TEXT    NOT NULL UNIQUE,
	created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
	id         TEXT    NOT NULL PRIMARY KEY,
	name       TEXT    NOT NULL UNIQUE,
	created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE members (
	org_id  TEXT NOT NULL,
	user_id TEXT NOT NULL,
	role    TEXT NOT NULL,
	PRIMARY KEY (org_id, user_id)
) WITHOUT ROWID;

CREATE TABLE workspaces (
	org_id     TEXT    NOT NULL,
	id         TEXT    NOT NULL,
	name       TEXT    NOT NULL DEFAULT '',
	settings   TEXT    NOT NULL DEFAULT '{}', -- JSON
	created_at INTEGER NOT NULL,
	PRIMARY KEY (org_id, id)
) WITHOUT ROWID;

CREATE TABLE workspace_members (
	org_id       TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	user_id      TEXT NOT NULL,
	access       TEXT NOT NULL,
	PRIMARY KEY (org_id, workspace_id, user_id)
) WITHOUT ROWID;

CREATE TABLE tokens (
	id           TEXT    NOT NULL PRIMARY KEY,
	hash         BLOB    NOT NULL UNIQUE, -- SHA-256 of the secret
	org_id       TEXT    NOT NULL,
	user_id      TEXT    NOT NULL,
	role         TEXT    NOT NULL,
	operator     INTEGER NOT NULL, -- 0 or 1
	workspace_id TEXT    NOT NULL, -- '': not confined
	access       TEXT    NOT NULL,
	created_at   INTEGER NOT NULL,
	expires_at   INTEGER,
	last_used_at INTEGER
);
CREATE INDEX tokens_org ON tokens (org_id, created_at, id);

CREATE TABLE files (
	id              TEXT    NOT NULL PRIMARY KEY,
	org_id          TEXT    NOT NULL,
	workspace_id    TEXT    NOT NULL,
	user_id         TEXT    NOT NULL,
	filename        TEXT    NOT NULL,
	purpose         TEXT    NOT NULL,
	status          TEXT    NOT NULL,
	status_details  TEXT    NOT NULL,
	failure_code    TEXT    NOT NULL, -- '': has not failed
	failure_message TEXT    NOT NULL,
	content_type    TEXT    NOT NULL,
	content_blob_id TEXT    NOT NULL,
	bytes           INTEGER NOT NULL, -- of the content
	sha256          BLOB    NOT NULL, -- of the content
	text_blob_id    TEXT    NOT NULL DEFAULT '', -- the text found in the content
	version         INTEGER NOT NULL,
	expires_at      INTEGER, -- NULL: never
	updated_at      INTEGER NOT NULL,
	-- what can be long stands last, so that the rest is read without it
	metadata        TEXT    NOT NULL, -- canonical JSON
	instructions    TEXT    NOT NULL,
	schema          TEXT    NOT NULL, -- JSON Schema for what a model may write
	document        TEXT    NOT NULL DEFAULT ''  -- JSON: what the document says of itself
);
CREATE UNIQUE INDEX files_page ON files (org_id, workspace_id, id);
CREATE INDEX files_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE blobs (
	id           TEXT    NOT NULL PRIMARY KEY,
	org_id       TEXT    NOT NULL,
	workspace_id TEXT    NOT NULL,
	file_id      TEXT    NOT NULL,
	kind         TEXT    NOT NULL, -- content or text
	bytes        INTEGER NOT NULL,
	sha256       BLOB    NOT NULL,
	doomed_at    INTEGER -- not NULL: the bytes are to be removed
) WITHOUT ROWID;
CREATE INDEX blobs_file ON blobs (file_id);
CREATE INDEX blobs_doomed ON blobs (doomed_at) WHERE doomed_at IS NOT NULL;

-- The pages of the one text that was found in a file: offset and length are bytes in the text blob.
CREATE TABLE pages (
	org_id       TEXT    NOT NULL,
	workspace_id TEXT    NOT NULL,
	file_id      TEXT    NOT NULL,
	run_id       TEXT    NOT NULL,
	n            INTEGER NOT NULL,
	label        TEXT    NOT NULL,
	characters   INTEGER NOT NULL,
	text_offset  INTEGER NOT NULL,
	text_length  INTEGER NOT NULL,
	PRIMARY KEY (file_id, run_id, n)
) WITHOUT ROWID;

-- What files are found by: see attributes.go for path and value.
CREATE TABLE attributes (
	org_id       TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	path         TEXT NOT NULL,
	value        BLOB NOT NULL,
	file_id      TEXT NOT NULL,
	PRIMARY KEY (org_id, workspace_id, path, value, file_id)
) WITHOUT ROWID;

-- One row for every state that a file's metadata was in. seq is the version of the file's row that brought it.
CREATE TABLE versions (
	org_id        TEXT    NOT NULL,
	workspace_id  TEXT    NOT NULL,
	file_id       TEXT    NOT NULL,
	seq           INTEGER NOT NULL,
	at            INTEGER NOT NULL,
	user_id       TEXT    NOT NULL,
	model         TEXT    NOT NULL DEFAULT '', -- '': a person did it
	instruction   TEXT    NOT NULL DEFAULT '',
	run_id        TEXT    NOT NULL DEFAULT '',
	edit          TEXT    NOT NULL, -- JSON: a merge patch, or the whole object
	replaces      INTEGER NOT NULL, -- 1: edit is the whole object
	before        TEXT    NOT NULL, -- canonical JSON of the metadata until then
	evidence      TEXT    NOT NULL DEFAULT '', -- JSON: where the values stand in the text
	input_tokens  INTEGER NOT NULL DEFAULT 0,
	output_tokens INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (file_id, seq)
);

-- Work on a file. Whoever works on it has written claim, and every write of the attempt names it.
CREATE TABLE runs (
	id              TEXT    NOT NULL PRIMARY KEY,
	org_id          TEXT    NOT NULL,
	workspace_id    TEXT    NOT NULL,
	file_id         TEXT    NOT NULL,
	user_id         TEXT    NOT NULL,
	kind            TEXT    NOT NULL,
	state           TEXT    NOT NULL,
	step            TEXT    NOT NULL DEFAULT '',
	progress        TEXT    NOT NULL DEFAULT '', -- JSON: the checkpoint to go on from
	instructions    TEXT    NOT NULL DEFAULT '',
	schema          TEXT    NOT NULL DEFAULT '',
	seen_version    INTEGER NOT NULL DEFAULT 0,  -- of the file, when the run began
	claim           TEXT    NOT NULL DEFAULT '',
	claimed_at      INTEGER,
	attempts        INTEGER NOT NULL DEFAULT 0,
	failure_code    TEXT    NOT NULL DEFAULT '',
	failure_message TEXT    NOT NULL DEFAULT '',
	input_tokens    INTEGER NOT NULL DEFAULT 0,
	output_tokens   INTEGER NOT NULL DEFAULT 0,
	created_at      INTEGER NOT NULL,
	ended_at        INTEGER -- NULL: open
);
CREATE INDEX runs_file ON runs (file_id, id);
CREATE INDEX runs_open ON runs (claimed_at) WHERE ended_at IS NULL;

CREATE TABLE idempotency (
	org_id      TEXT    NOT NULL,
	user_id     TEXT    NOT NULL,
	key         TEXT    NOT NULL,
	fingerprint BLOB    NOT NULL,
	files       TEXT    NOT NULL, -- ids with a space between them
	created_at  INTEGER NOT NULL,
	PRIMARY KEY (org_id, user_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE usage (
	org_id       TEXT    NOT NULL,
	workspace_id TEXT    NOT NULL,
	day          INTEGER NOT NULL, -- days since 1970; 0 for what does not belong to a day
	measure      TEXT    NOT NULL, -- files, bytes, tokens, …
	amount       INTEGER NOT NULL,
	PRIMARY KEY (org_id, workspace_id, day, measure)
) WITHOUT ROWID;

CREATE TABLE reservations (
	id           TEXT    NOT NULL PRIMARY KEY,
	org_id       TEXT    NOT NULL,
	workspace_id TEXT    NOT NULL,
	files        INTEGER NOT NULL,
	bytes        INTEGER NOT NULL,
	expires_at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX reservations_place ON reservations (org_id, workspace_id);
CREATE INDEX reservations_expiry ON reservations (expires_at);

CREATE TABLE audit (
	id         TEXT    NOT NULL PRIMARY KEY,
	org_id     TEXT    NOT NULL,
	at         INTEGER NOT NULL,
	user_id    TEXT    NOT NULL,
	token_id   TEXT    NOT NULL,
	address    TEXT    NOT NULL,
	request_id TEXT    NOT NULL,
	action     TEXT    NOT NULL,
	object     TEXT    NOT NULL,
	outcome    TEXT    NOT NULL,
	details    TEXT    NOT NULL -- JSON
);
CREATE INDEX audit_org ON audit (org_id, id);
CREATE INDEX audit_age ON audit (at);

CREATE TABLE marks (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;
