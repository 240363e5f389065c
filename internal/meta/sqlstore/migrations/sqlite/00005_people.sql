-- People have a name in each organization; tokens can be narrowed to several workspaces and to reading; workspaces can be on their way out.

-- +goose Up

-- users: the name has moved to members.
CREATE TABLE members_after (
	org_id     TEXT    NOT NULL,
	user_id    TEXT    NOT NULL,
	name       TEXT    NOT NULL,
	role       TEXT    NOT NULL,
	confined   INTEGER NOT NULL, -- 1: has only what workspace_members gives
	created_at INTEGER NOT NULL,
	PRIMARY KEY (org_id, user_id)
) WITHOUT ROWID;
INSERT INTO members_after (org_id, user_id, name, role, confined, created_at)
	SELECT m.org_id, m.user_id, u.name, m.role, 0, u.created_at FROM members m JOIN users u ON u.id = m.user_id;
DROP TABLE members;
ALTER TABLE members_after RENAME TO members;
CREATE UNIQUE INDEX members_name ON members (org_id, name);
CREATE INDEX members_user ON members (user_id);
CREATE TABLE users_after (
	id         TEXT    NOT NULL PRIMARY KEY,
	created_at INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO users_after (id, created_at) SELECT id, created_at FROM users;
DROP TABLE users;
ALTER TABLE users_after RENAME TO users;

-- tokens: workspaces and read_only take the place of workspace_id and access. What a token gave, its user now has.
INSERT INTO workspace_members (org_id, workspace_id, user_id, access)
	SELECT org_id, workspace_id, user_id, MAX(access) FROM tokens -- writer is more than viewer
	WHERE workspace_id <> '' AND workspace_id <> 'default' GROUP BY org_id, workspace_id, user_id
	ON CONFLICT (org_id, workspace_id, user_id) DO UPDATE SET access = MAX(access, excluded.access);
ALTER TABLE tokens ADD COLUMN workspaces TEXT NOT NULL DEFAULT ''; -- ids with a space between them; '': not narrowed
ALTER TABLE tokens ADD COLUMN read_only INTEGER NOT NULL DEFAULT 0; -- 0 or 1
UPDATE tokens SET workspaces = workspace_id, read_only = access = 'viewer';
ALTER TABLE tokens DROP COLUMN workspace_id;
ALTER TABLE tokens DROP COLUMN access;
CREATE INDEX tokens_user ON tokens (org_id, user_id);

ALTER TABLE workspaces ADD COLUMN doomed_at INTEGER; -- not NULL: it is being deleted
CREATE INDEX workspaces_doomed ON workspaces (doomed_at) WHERE doomed_at IS NOT NULL;
CREATE INDEX workspace_members_user ON workspace_members (org_id, user_id);
