-- Organizations and members may be known to an issuer of tokens, under an id of its own.

-- +goose Up
ALTER TABLE orgs ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE orgs ADD COLUMN external_id TEXT NOT NULL DEFAULT ''; -- '': no issuer knows it
CREATE UNIQUE INDEX orgs_identity ON orgs (issuer, external_id) WHERE external_id <> '';

-- What an organization says of its members' identities is its own: the same one may stand in several.
ALTER TABLE members ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN external_id TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX members_identity ON members (issuer, external_id, org_id) WHERE external_id <> '';

-- Identities that were taken out of an organization, and do not come back by themselves.
CREATE TABLE departures (
	org_id      TEXT    NOT NULL,
	issuer      TEXT    NOT NULL,
	external_id TEXT    NOT NULL,
	at          INTEGER NOT NULL,
	PRIMARY KEY (org_id, issuer, external_id)
) WITHOUT ROWID;
