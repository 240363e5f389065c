-- Documents that are read, runs, and versions of the metadata that say why.

-- +goose Up

-- files: text_bytes, text_sha256, metadata_version and settled are new.
ALTER TABLE files RENAME TO files_before;
DROP INDEX files_page;
DROP INDEX files_expiry;
CREATE TABLE files (
	id               TEXT    NOT NULL PRIMARY KEY,
	org_id           TEXT    NOT NULL,
	workspace_id     TEXT    NOT NULL,
	user_id          TEXT    NOT NULL,
	filename         TEXT    NOT NULL,
	purpose          TEXT    NOT NULL,
	status           TEXT    NOT NULL,
	status_details   TEXT    NOT NULL,
	failure_code     TEXT    NOT NULL, -- '': has not failed
	failure_message  TEXT    NOT NULL,
	content_type     TEXT    NOT NULL,
	content_blob_id  TEXT    NOT NULL,
	bytes            INTEGER NOT NULL, -- of the content
	sha256           BLOB    NOT NULL, -- of the content
	text_blob_id     TEXT    NOT NULL, -- the text found in the content; '': none
	text_bytes       INTEGER NOT NULL,
	text_sha256      BLOB    NOT NULL, -- empty without a text
	version          INTEGER NOT NULL,
	metadata_version INTEGER NOT NULL, -- the newest in versions
	expires_at       INTEGER, -- NULL: never
	updated_at       INTEGER NOT NULL,
	settled          TEXT    NOT NULL, -- JSON: the standing when the open runs are over; '': no run is open
	-- what can be long stands last, so that the rest is read without it
	metadata         TEXT    NOT NULL, -- canonical JSON
	instructions     TEXT    NOT NULL,
	schema           TEXT    NOT NULL, -- JSON Schema for what a model may write
	document         TEXT    NOT NULL  -- JSON: what was found in the content; '': nobody has looked
);
INSERT INTO files (id, org_id, workspace_id, user_id, filename, purpose, status, status_details, failure_code, failure_message, content_type,
		content_blob_id, bytes, sha256, text_blob_id, text_bytes, text_sha256, version, metadata_version, expires_at, updated_at, settled,
		metadata, instructions, schema, document)
	SELECT id, org_id, workspace_id, user_id, filename, purpose, status, status_details, failure_code, failure_message, content_type,
		content_blob_id, bytes, sha256, '', 0, x'', version, MAX(1, (SELECT COUNT(*) FROM versions v WHERE v.file_id = files_before.id)),
		expires_at, updated_at, '', metadata, instructions, schema, ''
	FROM files_before ORDER BY id;
DROP TABLE files_before;
CREATE UNIQUE INDEX files_page ON files (org_id, workspace_id, id);
CREATE INDEX files_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX files_failed ON files (failure_code, id) WHERE failure_code <> '';

-- One row for every state that a file's metadata was in. seq counts them for each file; it is the file's metadata_version.
ALTER TABLE versions RENAME TO versions_before;
CREATE TABLE versions (
	org_id          TEXT    NOT NULL,
	workspace_id    TEXT    NOT NULL,
	file_id         TEXT    NOT NULL,
	seq             INTEGER NOT NULL,
	at              INTEGER NOT NULL,
	user_id         TEXT    NOT NULL,
	model           TEXT    NOT NULL, -- '': a person did it
	run_id          TEXT    NOT NULL, -- '': none
	input_tokens    INTEGER NOT NULL,
	output_tokens   INTEGER NOT NULL,
	reverts         INTEGER NOT NULL, -- seq of the version that was taken back; 0: none
	restores        INTEGER NOT NULL, -- seq of the version that was brought back; 0: none
	replaces        INTEGER NOT NULL, -- 1: edit is the whole object
	failure_code    TEXT    NOT NULL, -- '': has not failed
	failure_message TEXT    NOT NULL,
	-- what can be long stands last, so that the rest is read without it
	keys            TEXT    NOT NULL, -- JSON: the top-level keys that differ from the state before
	instruction     TEXT    NOT NULL,
	edit            TEXT    NOT NULL, -- JSON
	evidence        TEXT    NOT NULL, -- JSON: where the values stand in the text
	before          TEXT    NOT NULL, -- canonical JSON of the metadata until then
	PRIMARY KEY (file_id, seq)
);
INSERT INTO versions (org_id, workspace_id, file_id, seq, at, user_id, model, run_id, input_tokens, output_tokens, reverts, restores, replaces,
		failure_code, failure_message, keys, instruction, edit, evidence, before)
	SELECT org_id, workspace_id, file_id, ROW_NUMBER() OVER (PARTITION BY file_id ORDER BY seq), at, user_id, model, run_id, input_tokens,
		output_tokens, 0, 0, replaces, '', '', '[]', instruction, edit, evidence, before
	FROM versions_before;
DROP TABLE versions_before;

-- The pages of the one text that was found in a file: offset and length are bytes in the text blob. None was ever stored before.
DROP TABLE pages;
CREATE TABLE pages (
	org_id       TEXT    NOT NULL,
	workspace_id TEXT    NOT NULL,
	file_id      TEXT    NOT NULL,
	n            INTEGER NOT NULL,
	label        TEXT    NOT NULL,
	characters   INTEGER NOT NULL,
	text_offset  INTEGER NOT NULL,
	text_length  INTEGER NOT NULL,
	PRIMARY KEY (org_id, workspace_id, file_id, n)
) WITHOUT ROWID;

-- Work on a file. Whoever works on it has written claim, and every write of the attempt names it. None was ever stored before.
DROP TABLE runs;
CREATE TABLE runs (
	id              TEXT    NOT NULL PRIMARY KEY,
	org_id          TEXT    NOT NULL,
	workspace_id    TEXT    NOT NULL,
	file_id         TEXT    NOT NULL,
	user_id         TEXT    NOT NULL,
	kind            TEXT    NOT NULL,
	state           TEXT    NOT NULL,
	step            TEXT    NOT NULL,
	dry_run         INTEGER NOT NULL, -- 0 or 1
	seen_version    INTEGER NOT NULL, -- of the metadata, when the model was shown them; 0: not yet
	claim           TEXT    NOT NULL, -- '': nobody has it
	lease_until     INTEGER NOT NULL,
	attempts        INTEGER NOT NULL,
	input_tokens    INTEGER NOT NULL,
	output_tokens   INTEGER NOT NULL,
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL,
	ended_at        INTEGER, -- NULL: open
	failure_code    TEXT    NOT NULL, -- '': has not failed
	failure_message TEXT    NOT NULL,
	-- what can be long stands last, so that the rest is read without it
	details         TEXT    NOT NULL,
	protected       TEXT    NOT NULL, -- JSON: top-level keys that the model does not change; '': none
	instructions    TEXT    NOT NULL,
	schema          TEXT    NOT NULL, -- JSON Schema; '': none
	patch           TEXT    NOT NULL, -- JSON: of a dry run, what would be merged first; '': none
	result          TEXT    NOT NULL, -- JSON: the edit
	progress        TEXT    NOT NULL  -- the checkpoint to go on from
);
CREATE INDEX runs_file ON runs (file_id, id);
CREATE INDEX runs_open ON runs (file_id, id) WHERE ended_at IS NULL;
CREATE INDEX runs_stale ON runs (lease_until) WHERE ended_at IS NULL AND claim <> '';
