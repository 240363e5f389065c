package files

import (
	"context"
	"errors"
	"fmt"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// expireAtOnce is how many files one transaction removes: few enough that others do not wait long for it.
const expireAtOnce = 100

// Expire removes every file that is over, and says how many. It holds the one way past tenants that this package has.
func (s *Service) Expire(ctx context.Context, system meta.System) (removed int, err error) {
	for {
		now := s.now()
		over, err := system.Expired(ctx, now, expireAtOnce)
		if err != nil {
			return removed, fmt.Errorf("find expired files: %w", err)
		}
		err = s.commit(ctx, func(ctx context.Context, tx meta.Tx) error {
			for _, owned := range over {
				if err := s.expireOne(ctx, tx, owned); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return removed, fmt.Errorf("remove expired files: %w", err)
		}
		removed += len(over)
		if len(over) < expireAtOnce {
			return removed, nil
		}
	}
}

// expireOne looks again before it removes: the file may have been deleted, or its expiry moved, since it was listed.
func (s *Service) expireOne(ctx context.Context, tx meta.Tx, owned meta.OwnedFile) error {
	file, err := tx.File(ctx, owned.Scope, owned.ID)
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.now()
	if !file.Expired(now) {
		return nil
	}
	err = tx.DeleteFile(ctx, owned.Scope, owned.ID, now)
	if errors.Is(err, meta.ErrChanged) {
		return nil
	}
	return err
}
