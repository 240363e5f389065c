-- What organizations and workspaces may use, and what they do.

-- +goose Up
ALTER TABLE orgs ADD COLUMN quota TEXT NOT NULL DEFAULT ''; -- JSON; '': no limit

-- usage: one row for each day instead of one for each measure. Nothing was ever counted before. workspace_id '' is the organization as a whole.
DROP TABLE usage;
CREATE TABLE usage (
	org_id        TEXT    NOT NULL,
	workspace_id  TEXT    NOT NULL,
	day           INTEGER NOT NULL, -- days since 1970, for tokens; 0 for files and bytes, which are what there is
	files         INTEGER NOT NULL,
	bytes         INTEGER NOT NULL, -- of contents, until they are removed for good
	input_tokens  INTEGER NOT NULL,
	output_tokens INTEGER NOT NULL,
	PRIMARY KEY (org_id, workspace_id, day)
) WITHOUT ROWID;
INSERT INTO usage (org_id, workspace_id, day, files, bytes, input_tokens, output_tokens)
	SELECT org_id, workspace_id, 0, SUM(files), SUM(bytes), 0, 0 FROM (
		SELECT org_id, workspace_id, 1 AS files, 0 AS bytes FROM files
		UNION ALL SELECT org_id, workspace_id, 0, bytes FROM blobs WHERE kind = 'content'
	) GROUP BY org_id, workspace_id;
INSERT INTO usage (org_id, workspace_id, day, files, bytes, input_tokens, output_tokens)
	SELECT org_id, workspace_id, updated_at / 86400000000, 0, 0, SUM(input_tokens), SUM(output_tokens) FROM runs
	WHERE input_tokens + output_tokens > 0 GROUP BY org_id, workspace_id, updated_at / 86400000000;
INSERT INTO usage (org_id, workspace_id, day, files, bytes, input_tokens, output_tokens)
	SELECT org_id, '', day, SUM(files), SUM(bytes), SUM(input_tokens), SUM(output_tokens) FROM usage GROUP BY org_id, day;
