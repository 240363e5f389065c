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
	return s.change(ctx, scope, id, "updateFile", func(_ context.Context, _ meta.Tx, file *satchel.File, note map[string]any) (satchel.Change, error) {
		if u.Filename != nil {
			file.Filename, note["filename"] = filename, true
		}
		if u.Never {
			file.ExpiresAt, note["expires_at"] = time.Time{}, 0
		}
		if lifetime > 0 {
			file.ExpiresAt = file.CreatedAt().Add(lifetime)
			note["expires_at"] = file.ExpiresAt.Unix()
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

// MetadataUpdate is what a request wants done with a file's metadata.
type MetadataUpdate struct {
	Patch        satchel.Patch
	Replace      bool   // the patch is the whole metadata
	Instructions string // what TakeInstructions gave; empty: none
	DryRun       bool   // of instructions: only show what they would do
}

// UpdateMetadata merges a patch into a file's metadata (RFC 7396), or replaces everything. With instructions it then starts a run that has a
// language model carry them out, and gives it; without a model nothing at all is changed: CodeModelNotConfigured. A dry run changes nothing.
func (s *Service) UpdateMetadata(ctx context.Context, scope satchel.Scope, id string, u MetadataUpdate) (*satchel.File, *satchel.Run, error) {
	var run *satchel.Run
	file, err := s.change(ctx, scope, id, "updateMetadata", func(ctx context.Context, tx meta.Tx, file *satchel.File, note map[string]any) (satchel.Change, error) {
		if u.Instructions != "" {
			if err := s.mayInstruct(ctx, tx, scope); err != nil {
				return satchel.Change{}, err
			}
		}
		change, err := u.merge(ctx, tx, scope, file)
		if err != nil || u.Instructions == "" {
			return change, err
		}
		run = s.newRun(scope, file, satchel.RunMetadata)
		run.Instructions, run.Protected = u.Instructions, u.Patch.Keys()
		if u.DryRun {
			run.DryRun, run.Patch = true, u.Patch.String()
		}
		note["run"], note["dry_run"] = run.ID, u.DryRun
		return change, s.start(ctx, tx, scope, file, run)
	})
	if err != nil {
		return nil, nil, err
	}
	return file, run, nil
}

// merge applies the patch, except for a dry run. Values of a model that a person gives again as they are become the person's.
func (u MetadataUpdate) merge(ctx context.Context, tx meta.Tx, scope satchel.Scope, file *satchel.File) (satchel.Change, error) {
	var merged satchel.Metadata
	var err error
	if u.Replace {
		merged, err = u.Patch.Metadata()
	} else {
		merged, err = file.Metadata.Merge(u.Patch)
	}
	if err != nil || u.DryRun {
		return satchel.Change{}, err
	}
	confirmed, err := u.confirmed(ctx, tx, scope, file)
	if err != nil || merged == file.Metadata && len(confirmed) == 0 {
		return satchel.Change{}, err
	}
	file.Metadata = merged
	file.MetadataVersion++
	return satchel.Change{User: scope.User, Edit: u.Patch.String(), Replace: u.Replace, Confirms: confirmed}, nil
}

// confirmed gives the top-level keys of the patch whose values are a model's.
func (u MetadataUpdate) confirmed(ctx context.Context, tx meta.Tx, scope satchel.Scope, file *satchel.File) (keys []string, err error) {
	if file.MetadataVersion == 1 { // nobody but the uploader has written yet
		return nil, nil
	}
	sources, err := keySources(ctx, tx, scope, file)
	for _, key := range u.Patch.Keys() {
		if source := sources[key]; source != nil && source.Model != "" {
			keys = append(keys, key)
		}
	}
	return keys, err
}

// editor changes a file in a transaction, and says why its metadata become what they do. What the audit shall tell of it goes into note.
type editor func(ctx context.Context, tx meta.Tx, file *satchel.File, note map[string]any) (satchel.Change, error)

// change applies edit to a file in one transaction, which the audit then has as action. An edit that changes nothing and starts no run leaves no
// trace.
func (s *Service) change(ctx context.Context, scope satchel.Scope, id, action string, edit editor) (*satchel.File, error) {
	if err := mayWrite(scope); err != nil {
		return nil, err
	}
	var result *satchel.File
	err := s.commit(ctx, func(ctx context.Context, tx meta.Tx) error {
		before, err := s.find(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		after, note := *before, map[string]any{}
		change, err := edit(ctx, tx, &after, note)
		if err != nil {
			return err
		}
		if result = before; after != *before {
			result = &after
			after.Version++
			after.UpdatedAt = s.moment()
			change.At = after.UpdatedAt
			if err := tx.UpdateFile(ctx, scope, before, &after, change); err != nil {
				return err
			}
		} else if note["run"] == nil {
			return nil
		}
		noteMetadata(note, before, &after)
		return tx.InsertAudit(ctx, scope.Did(action, string(after.ID), note))
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// noteMetadata notes which keys of the metadata were changed, and the version that did it, without their values.
func noteMetadata(note map[string]any, before, after *satchel.File) {
	if before.MetadataVersion == after.MetadataVersion {
		return
	}
	note["version"] = after.MetadataVersion
	satchel.AuditKeys(note, satchel.ChangedKeys(before.Metadata, after.Metadata))
}
