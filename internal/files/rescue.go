package files

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// resumeAtOnce is how many files one transaction looks at.
const resumeAtOnce = 50

// Resume starts a run for every file that failed because there was no model, once there is one, and says how many.
func (s *Service) Resume(ctx context.Context, system meta.System) (started int, err error) {
	after := satchel.FileID("")
	for {
		waiting, err := system.FailedFiles(ctx, satchel.CodeModelNotConfigured, after, resumeAtOnce)
		if err != nil {
			return started, fmt.Errorf("find files that wait for a model: %w", err)
		}
		for _, owned := range waiting {
			after = owned.ID
			if _, _, err := s.Process(ctx, resumed(owned.Scope), string(owned.ID), Request{}); err != nil && !isGone(err) {
				return started, err
			}
			started++
		}
		if len(waiting) < resumeAtOnce {
			return started, nil
		}
	}
}

// resumed keeps the user, for whom the run is.
func resumed(scope satchel.Scope) satchel.Scope {
	scope.Origin = satchel.Origin{Address: satchel.AddressServer}
	return scope
}

func isGone(err error) bool {
	code := satchel.CodeOf(err)
	return code == satchel.CodeNotFound || code == satchel.CodeConflict
}

// Rescue calls a worker to every file whose run's worker has not been heard of, and says to how many.
func (s *Service) Rescue(ctx context.Context, system meta.System) (called int, err error) {
	for {
		stale, err := system.StaleRuns(ctx, s.now(), resumeAtOnce)
		if err != nil {
			return called, fmt.Errorf("find stale runs: %w", err)
		}
		err = s.commit(ctx, func(ctx context.Context, tx meta.Tx) error {
			for _, owned := range stale {
				if err := s.rescueOne(ctx, tx, owned); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil && !isGone(err) {
			return called, fmt.Errorf("rescue stale runs: %w", err)
		}
		called += len(stale)
		if len(stale) < resumeAtOnce {
			return called, nil
		}
	}
}

// rescueOne takes the claims off a file's stale runs and calls a worker.
func (s *Service) rescueOne(ctx context.Context, tx meta.Tx, owned meta.OwnedFile) error {
	open, err := tx.OpenRuns(ctx, owned.Scope, owned.ID, maxOpenRuns)
	if err != nil {
		return err
	}
	for _, run := range open {
		if run.Claim == "" || run.LeaseUntil.After(s.now()) {
			continue
		}
		after := *run
		// The lease ends, too: to a worker whose clock is behind, the run would else be postponed, and nobody would come to it again.
		after.Claim, after.State, after.LeaseUntil = "", satchel.RunQueued, run.UpdatedAt
		if err := tx.UpdateRun(ctx, owned.Scope, run, &after); err != nil {
			if errors.Is(err, meta.ErrChanged) {
				continue
			}
			return err
		}
	}
	if len(open) == 0 {
		return nil
	}
	return enqueue(ctx, tx, open[0], time.Time{})
}
