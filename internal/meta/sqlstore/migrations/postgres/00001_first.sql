-- Times are microseconds since 1970 (UTC). Ids are compared byte by byte, which is the order in which they were minted: hence COLLATE "C".
-- Text that is not known is '', a moment that is not known is NULL. The tables are those of SQLite; 0 and 1 are whole numbers there, and here.

-- +goose Up
CREATE TABLE orgs (
	id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	name        TEXT COLLATE "C" NOT NULL UNIQUE,
	issuer      TEXT COLLATE "C" NOT NULL DEFAULT '',
	external_id TEXT COLLATE "C" NOT NULL DEFAULT '', -- '': no issuer knows it
	created_at  BIGINT NOT NULL,
	quota       TEXT NOT NULL DEFAULT ''  -- JSON; '': no limit
);
CREATE UNIQUE INDEX orgs_identity ON orgs (issuer, external_id) WHERE external_id <> '';

CREATE TABLE users (
	id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	created_at BIGINT NOT NULL
);

CREATE TABLE members (
	org_id      TEXT COLLATE "C" NOT NULL,
	user_id     TEXT COLLATE "C" NOT NULL,
	name        TEXT COLLATE "C" NOT NULL,
	role        TEXT COLLATE "C" NOT NULL,
	confined    SMALLINT NOT NULL, -- 1: has only what workspace_members gives
	issuer      TEXT COLLATE "C" NOT NULL DEFAULT '',
	external_id TEXT COLLATE "C" NOT NULL DEFAULT '',
	created_at  BIGINT NOT NULL,
	PRIMARY KEY (org_id, user_id)
);
CREATE UNIQUE INDEX members_name ON members (org_id, name);
CREATE INDEX members_user ON members (user_id);
CREATE UNIQUE INDEX members_identity ON members (issuer, external_id, org_id) WHERE external_id <> '';

-- Identities that were taken out of an organization, and do not come back by themselves.
CREATE TABLE departures (
	org_id      TEXT COLLATE "C" NOT NULL,
	issuer      TEXT COLLATE "C" NOT NULL,
	external_id TEXT COLLATE "C" NOT NULL,
	at          BIGINT NOT NULL,
	PRIMARY KEY (org_id, issuer, external_id)
);

CREATE TABLE workspaces (
	org_id     TEXT COLLATE "C" NOT NULL,
	id         TEXT COLLATE "C" NOT NULL,
	name       TEXT COLLATE "C" NOT NULL DEFAULT '',
	settings   TEXT NOT NULL DEFAULT '{}', -- JSON
	created_at BIGINT NOT NULL,
	doomed_at  BIGINT, -- not NULL: it is being deleted
	PRIMARY KEY (org_id, id)
);
CREATE INDEX workspaces_doomed ON workspaces (doomed_at) WHERE doomed_at IS NOT NULL;

CREATE TABLE workspace_members (
	org_id       TEXT COLLATE "C" NOT NULL,
	workspace_id TEXT COLLATE "C" NOT NULL,
	user_id      TEXT COLLATE "C" NOT NULL,
	access       TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (org_id, workspace_id, user_id)
);
CREATE INDEX workspace_members_user ON workspace_members (org_id, user_id, workspace_id);

CREATE TABLE tokens (
	id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	hash         BYTEA NOT NULL UNIQUE, -- SHA-256 of the secret
	org_id       TEXT COLLATE "C" NOT NULL,
	user_id      TEXT COLLATE "C" NOT NULL,
	role         TEXT COLLATE "C" NOT NULL,
	operator     SMALLINT NOT NULL, -- 0 or 1
	workspaces   TEXT COLLATE "C" NOT NULL DEFAULT '', -- ids with a space between them; '': not narrowed
	read_only    SMALLINT NOT NULL DEFAULT 0, -- 0 or 1
	created_at   BIGINT NOT NULL,
	expires_at   BIGINT,
	last_used_at BIGINT
);
CREATE INDEX tokens_org ON tokens (org_id, created_at, id);
CREATE INDEX tokens_user ON tokens (org_id, user_id);

-- There is no index on the id alone: it would be taken for a list of a small workspace among large ones, and every file be looked at.
CREATE TABLE files (
	id               TEXT COLLATE "C" NOT NULL,
	org_id           TEXT COLLATE "C" NOT NULL,
	workspace_id     TEXT COLLATE "C" NOT NULL,
	user_id          TEXT COLLATE "C" NOT NULL,
	filename         TEXT COLLATE "C" NOT NULL,
	purpose          TEXT COLLATE "C" NOT NULL,
	status           TEXT COLLATE "C" NOT NULL,
	status_details   TEXT NOT NULL,
	failure_code     TEXT COLLATE "C" NOT NULL, -- '': has not failed
	failure_message  TEXT NOT NULL,
	content_type     TEXT NOT NULL,
	content_blob_id  TEXT COLLATE "C" NOT NULL,
	bytes            BIGINT NOT NULL, -- of the content
	sha256           BYTEA NOT NULL, -- of the content
	text_blob_id     TEXT COLLATE "C" NOT NULL, -- the text found in the content; '': none
	text_bytes       BIGINT NOT NULL,
	text_sha256      BYTEA NOT NULL, -- empty without a text
	version          BIGINT NOT NULL,
	metadata_version BIGINT NOT NULL, -- the newest in versions
	expires_at       BIGINT, -- NULL: never
	updated_at       BIGINT NOT NULL,
	settled          TEXT NOT NULL, -- JSON: the standing when the open runs are over; '': no run is open
	metadata         TEXT NOT NULL, -- canonical JSON
	instructions     TEXT NOT NULL,
	schema           TEXT NOT NULL, -- JSON Schema for what a model may write
	document         TEXT NOT NULL, -- JSON: what was found in the content; '': nobody has looked
	CONSTRAINT files_page PRIMARY KEY (org_id, workspace_id, id)
);
CREATE INDEX files_newest ON files ((id || ''));
CREATE INDEX files_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX files_failed ON files (failure_code, id) WHERE failure_code <> '';

CREATE TABLE blobs (
	id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	org_id       TEXT COLLATE "C" NOT NULL,
	workspace_id TEXT COLLATE "C" NOT NULL,
	file_id      TEXT COLLATE "C" NOT NULL,
	kind         TEXT COLLATE "C" NOT NULL, -- content or text
	bytes        BIGINT NOT NULL,
	sha256       BYTEA NOT NULL,
	doomed_at    BIGINT -- not NULL: the bytes are to be removed
);
CREATE INDEX blobs_file ON blobs (file_id);
CREATE INDEX blobs_doomed ON blobs (doomed_at) WHERE doomed_at IS NOT NULL;

-- The pages of the one text that was found in a file: offset and length are bytes in the text blob.
CREATE TABLE pages (
	org_id       TEXT COLLATE "C" NOT NULL,
	workspace_id TEXT COLLATE "C" NOT NULL,
	file_id      TEXT COLLATE "C" NOT NULL,
	n            BIGINT NOT NULL,
	label        TEXT NOT NULL,
	characters   BIGINT NOT NULL,
	text_offset  BIGINT NOT NULL,
	text_length  BIGINT NOT NULL,
	PRIMARY KEY (org_id, workspace_id, file_id, n)
);

-- What files are found by: see attributes.go for path and value.
CREATE TABLE attributes (
	org_id       TEXT COLLATE "C" NOT NULL,
	workspace_id TEXT COLLATE "C" NOT NULL,
	path         TEXT COLLATE "C" NOT NULL,
	value        BYTEA NOT NULL,
	file_id      TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (org_id, workspace_id, path, value, file_id)
);

-- One row for every state that a file's metadata was in. seq counts them for each file; it is the file's metadata_version.
CREATE TABLE versions (
	org_id          TEXT COLLATE "C" NOT NULL,
	workspace_id    TEXT COLLATE "C" NOT NULL,
	file_id         TEXT COLLATE "C" NOT NULL,
	seq             BIGINT NOT NULL,
	at              BIGINT NOT NULL,
	user_id         TEXT COLLATE "C" NOT NULL,
	model           TEXT NOT NULL, -- '': a person did it
	run_id          TEXT COLLATE "C" NOT NULL, -- '': none
	input_tokens    BIGINT NOT NULL,
	output_tokens   BIGINT NOT NULL,
	reverts         BIGINT NOT NULL, -- seq of the version that was taken back; 0: none
	restores        BIGINT NOT NULL, -- seq of the version that was brought back; 0: none
	replaces        SMALLINT NOT NULL, -- 1: edit is the whole object
	failure_code    TEXT COLLATE "C" NOT NULL, -- '': has not failed
	failure_message TEXT NOT NULL,
	keys            TEXT NOT NULL, -- JSON: the top-level keys that differ from the state before
	instruction     TEXT NOT NULL,
	edit            TEXT NOT NULL, -- JSON
	evidence        TEXT NOT NULL, -- JSON: where the values stand in the text
	before          TEXT NOT NULL, -- canonical JSON of the metadata until then
	PRIMARY KEY (file_id, seq)
);

-- Work on a file. Whoever works on it has written claim, and every write of the attempt names it.
CREATE TABLE runs (
	id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	org_id          TEXT COLLATE "C" NOT NULL,
	workspace_id    TEXT COLLATE "C" NOT NULL,
	file_id         TEXT COLLATE "C" NOT NULL,
	user_id         TEXT COLLATE "C" NOT NULL,
	kind            TEXT COLLATE "C" NOT NULL,
	state           TEXT COLLATE "C" NOT NULL,
	step            TEXT COLLATE "C" NOT NULL,
	dry_run         SMALLINT NOT NULL, -- 0 or 1
	seen_version    BIGINT NOT NULL, -- of the metadata, when the model was shown them; 0: not yet
	claim           TEXT COLLATE "C" NOT NULL, -- '': nobody has it
	lease_until     BIGINT NOT NULL,
	attempts        BIGINT NOT NULL,
	input_tokens    BIGINT NOT NULL,
	output_tokens   BIGINT NOT NULL,
	created_at      BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL,
	ended_at        BIGINT, -- NULL: open
	failure_code    TEXT COLLATE "C" NOT NULL, -- '': has not failed
	failure_message TEXT NOT NULL,
	details         TEXT NOT NULL,
	protected       TEXT NOT NULL, -- JSON: top-level keys that the model does not change; '': none
	instructions    TEXT NOT NULL,
	schema          TEXT NOT NULL, -- JSON Schema; '': none
	patch           TEXT NOT NULL, -- JSON: of a dry run, what would be merged first; '': none
	result          TEXT NOT NULL, -- JSON: the edit
	progress        TEXT NOT NULL  -- the checkpoint to go on from
);
CREATE INDEX runs_file ON runs (file_id, id);
CREATE INDEX runs_open ON runs (file_id, id) WHERE ended_at IS NULL;
CREATE INDEX runs_stale ON runs (lease_until) WHERE ended_at IS NULL AND claim <> '';

CREATE TABLE idempotency (
	org_id      TEXT COLLATE "C" NOT NULL,
	user_id     TEXT COLLATE "C" NOT NULL,
	key         TEXT COLLATE "C" NOT NULL,
	fingerprint BYTEA NOT NULL,
	files       TEXT NOT NULL, -- ids with a space between them
	created_at  BIGINT NOT NULL,
	PRIMARY KEY (org_id, user_id, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- What is used: the sum of the rows of an account. Transactions only append to it, so that none waits for another; from time to time what
-- was appended is folded into one row an account and day. workspace_id '' is the organization as a whole.
CREATE TABLE usage (
	org_id        TEXT COLLATE "C" NOT NULL,
	workspace_id  TEXT COLLATE "C" NOT NULL,
	day           BIGINT NOT NULL, -- days since 1970, for tokens; 0 for files and bytes, which are what there is
	files         BIGINT NOT NULL,
	bytes         BIGINT NOT NULL, -- of contents, until they are removed for good
	input_tokens  BIGINT NOT NULL,
	output_tokens BIGINT NOT NULL,
	folded        BOOLEAN NOT NULL DEFAULT false
);
CREATE INDEX usage_place ON usage (org_id, workspace_id, day);
CREATE UNIQUE INDEX usage_folded ON usage (org_id, workspace_id, day) WHERE folded;
CREATE INDEX usage_fresh ON usage (folded) WHERE NOT folded;

CREATE TABLE reservations (
	id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	org_id       TEXT COLLATE "C" NOT NULL,
	workspace_id TEXT COLLATE "C" NOT NULL,
	files        BIGINT NOT NULL,
	bytes        BIGINT NOT NULL,
	expires_at   BIGINT NOT NULL
);
CREATE INDEX reservations_place ON reservations (org_id, workspace_id);
CREATE INDEX reservations_expiry ON reservations (expires_at);

-- Who did what, and what was refused. An entry's id is its time.
CREATE TABLE audit (
	org_id       TEXT COLLATE "C" NOT NULL, -- '': the installation's own record
	id           TEXT COLLATE "C" NOT NULL,
	user_id      TEXT COLLATE "C" NOT NULL, -- '': nobody knows
	token_id     TEXT COLLATE "C" NOT NULL,
	address      TEXT NOT NULL,
	request_id   TEXT NOT NULL,
	action       TEXT COLLATE "C" NOT NULL,
	object       TEXT COLLATE "C" NOT NULL,
	last_object  TEXT COLLATE "C" NOT NULL, -- of an upload of several files the last one
	workspace_id TEXT COLLATE "C" NOT NULL,
	code         TEXT COLLATE "C" NOT NULL, -- '': it was done; else why not
	count        BIGINT NOT NULL,
	first_at     BIGINT NOT NULL, -- 0 for what was done
	last_at      BIGINT NOT NULL,
	details      TEXT NOT NULL, -- JSON; '': nothing to add
	PRIMARY KEY (org_id, id)
);

CREATE TABLE marks (
	name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);
