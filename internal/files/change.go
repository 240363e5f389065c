package files

import (
	"context"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// Update changes what is not metadata; what is nil or false stays.
type Update struct {
	Filename *string
	Expiry   *Expiry
	Never    bool // the file shall not expire
}

// Update changes a file's name or its expiry. The error for bad values is a satchel.Faults.
func (s *Service) Update(ctx context.Context, scope satchel.Scope, id string, u Update) (*satchel.File, error) {
	filename, lifetime, err := u.check()
	if err != nil {
		return nil, err
	}
	return s.change(ctx, scope, id, func(file *satchel.File) (satchel.Change, error) {
		if u.Filename != nil {
			file.Filename = filename
		}
		if u.Never {
			file.ExpiresAt = time.Time{}
		}
		if lifetime > 0 {
			file.ExpiresAt = file.CreatedAt().Add(lifetime)
			if file.Expired(s.now()) {
				return satchel.Change{}, satchel.BodyFault(satchel.CodeOutOfRange, "expires_after", []string{"seconds"},
					"the file would have expired already: seconds count from its creation; give more, or DELETE the file")
			}
		}
		return satchel.Change{}, nil
	})
}

// Check finds everything that is wrong with the update by itself.
func (u Update) Check() error {
	_, _, err := u.check()
	return err
}

func (u Update) check() (filename string, lifetime time.Duration, err error) {
	var faults satchel.Faults
	if u.Filename != nil {
		filename, err = parseFilename("filename", *u.Filename)
		faults.Add(err)
	}
	if u.Expiry != nil {
		lifetime, err = u.Expiry.lifetime()
		faults.Add(err)
	}
	return filename, lifetime, faults.Err()
}

// TakeInstructions takes the key "instructions" out of an update of metadata and gives its text, "" for none.
func TakeInstructions(patch satchel.Patch) (string, error) {
	value, ok := patch.Take("instructions")
	if !ok {
		return "", nil
	}
	return parseInstructions(value)
}

// UpdateMetadata merges patch into a file's metadata (RFC 7396), or replaces everything. Instructions, which TakeInstructions gave, ask for a language
// model, and without one nothing at all is changed: CodeModelNotConfigured.
func (s *Service) UpdateMetadata(ctx context.Context, scope satchel.Scope, id string, patch satchel.Patch, instructions string, replace bool) (*satchel.File, error) {
	if instructions != "" {
		return nil, s.refuseInstructions(ctx, scope, id)
	}
	return s.change(ctx, scope, id, func(file *satchel.File) (change satchel.Change, err error) {
		if replace {
			file.Metadata, err = patch.Metadata()
		} else {
			file.Metadata, err = file.Metadata.Merge(patch)
		}
		return satchel.Change{User: scope.User, Edit: patch.String(), Replace: replace}, err
	})
}

// refuseInstructions says that there is no model, but of a file that is not there says only that.
func (s *Service) refuseInstructions(ctx context.Context, scope satchel.Scope, id string) error {
	if err := mayWrite(scope); err != nil {
		return err
	}
	if _, err := s.File(ctx, scope, id); err != nil {
		return err
	}
	return satchel.Faults{satchel.BodyFault(satchel.CodeModelNotConfigured, "instructions", nil,
		"instructions need a language model, and this server has none configured; nothing was changed")}
}

// change applies edit to a file in one transaction. An edit that changes nothing leaves no trace.
func (s *Service) change(ctx context.Context, scope satchel.Scope, id string, edit func(*satchel.File) (satchel.Change, error)) (*satchel.File, error) {
	if err := mayWrite(scope); err != nil {
		return nil, err
	}
	var result *satchel.File
	err := s.commit(ctx, func(ctx context.Context, tx meta.Tx) error {
		before, err := s.find(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		after := *before
		change, err := edit(&after)
		if err != nil {
			return err
		}
		if after == *before {
			result = before
			return nil
		}
		after.Version++
		after.UpdatedAt = s.now().UTC().Truncate(time.Microsecond)
		change.At = after.UpdatedAt
		result = &after
		return tx.UpdateFile(ctx, scope, before, &after, change)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}
