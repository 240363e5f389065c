-- Who did what, and what was refused.

-- +goose Up

-- Nothing was ever stored in the table before. An entry's id is its time, so that one tree is the order, the pages and the age.
DROP TABLE audit;
CREATE TABLE audit (
	org_id       TEXT    NOT NULL, -- '': the installation's own record
	id           TEXT    NOT NULL,
	user_id      TEXT    NOT NULL, -- '': nobody knows
	token_id     TEXT    NOT NULL,
	address      TEXT    NOT NULL,
	request_id   TEXT    NOT NULL,
	action       TEXT    NOT NULL,
	object       TEXT    NOT NULL,
	last_object  TEXT    NOT NULL, -- of an upload of several files the last one
	workspace_id TEXT    NOT NULL,
	code         TEXT    NOT NULL, -- '': it was done; else why not
	count        INTEGER NOT NULL,
	first_at     INTEGER NOT NULL, -- 0 for what was done
	last_at      INTEGER NOT NULL,
	details      TEXT    NOT NULL, -- JSON; '': nothing to add
	PRIMARY KEY (org_id, id)
) WITHOUT ROWID;
