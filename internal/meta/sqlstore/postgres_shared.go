package sqlstore

import (
	"context"
	"fmt"
	"time"
)

// TryTurn implements meta.Turns, by a lock that ends with the connection that holds it. deploy/backup/backup takes the turn to sweep by its numbers.
func (p *Postgres) TryTurn(ctx context.Context, name string) (end func(), ok bool, err error) {
	conn, err := acquire(ctx, p.pool)
	if err != nil {
		return nil, false, err
	}
	number := lock{topic: lockTurn, name: name}.number()
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2)`, int32(lockTurn), number).Scan(&ok)
	if err != nil || !ok {
		conn.Release()
		return nil, false, postgresError(err)
	}
	return func() {
		ctx, cancel := bounded(ctx)
		defer cancel()
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1, $2)`, int32(lockTurn), number); err != nil {
			_ = conn.Conn().Close(ctx) // which ends the lock, too
		}
		conn.Release()
	}, true, nil
}

// rescueJobs does what River's own rescue does, but not only after the longest that a job may take: a run without a claim says that nobody is at it.
// When a job was taken the database's clock says, as it said then.
const rescueJobs = `UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'running' AND attempted_at < now() - $1 * interval '1 microsecond'
	AND EXISTS (SELECT 1 FROM runs WHERE ended_at IS NULL AND file_id = args->>'file')
	AND NOT EXISTS (SELECT 1 FROM runs WHERE ended_at IS NULL AND file_id = args->>'file' AND claim <> '')`

// RescueJobs implements meta.JobRescuer.
func (p *Postgres) RescueJobs(ctx context.Context, age time.Duration) (int, error) {
	var rescued int64
	err := p.change(ctx, func(ctx context.Context, tx *transaction) (err error) {
		rescued, err = tx.q.exec(ctx, rescueJobs, age.Microseconds())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("rescuing jobs: %w", err)
	}
	return int(rescued), nil
}

// foldAtOnce is how many rows are folded by one statement.
const foldAtOnce = 10_000

// foldUsage adds what was appended to the one row that an account has for a day.
const foldUsage = `WITH fresh AS (
		DELETE FROM usage WHERE ctid = ANY (ARRAY(SELECT ctid FROM usage WHERE NOT folded LIMIT $1 FOR UPDATE SKIP LOCKED))
		RETURNING org_id, workspace_id, day, files, bytes, input_tokens, output_tokens
	), taken AS (
		INSERT INTO usage (org_id, workspace_id, day, files, bytes, input_tokens, output_tokens, folded)
		SELECT org_id, workspace_id, day, SUM(files), SUM(bytes), SUM(input_tokens), SUM(output_tokens), true FROM fresh
		GROUP BY org_id, workspace_id, day ORDER BY org_id, workspace_id, day
		ON CONFLICT (org_id, workspace_id, day) WHERE folded DO UPDATE SET files = usage.files + excluded.files,
		bytes = usage.bytes + excluded.bytes, input_tokens = usage.input_tokens + excluded.input_tokens,
		output_tokens = usage.output_tokens + excluded.output_tokens
	) SELECT COUNT(*) FROM fresh`

// Condense implements meta.Condenser.
func (p *Postgres) Condense(ctx context.Context) error {
	for more := true; more; {
		err := p.change(ctx, func(ctx context.Context, tx *transaction) error {
			var folded integer
			err := tx.q.get(ctx, []any{&folded}, foldUsage, foldAtOnce)
			more = folded == foldAtOnce
			return err
		})
		if err != nil {
			return fmt.Errorf("folding what is used: %w", err)
		}
	}
	return nil
}
