package sqlstore

import (
	"context"

	"github.com/satchel-files/satchel/internal/meta"
)

// Enqueue implements meta.RunWriter.
func (t *transaction) Enqueue(_ context.Context, job meta.Job) error {
	t.jobs = append(t.jobs, job)
	return nil
}
