package files

import (
	"context"
	"fmt"
	"slices"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// versionsAtOnce is how many versions are read at once while looking back.
const versionsAtOnce = 100

// eachVersion calls visit for the versions of a file, newest first, until it gives false.
func eachVersion(ctx context.Context, reader meta.VersionReader, scope satchel.Scope, id satchel.FileID, visit func(*satchel.Version) bool) error {
	before := int64(0)
	for {
		found, err := reader.Versions(ctx, scope, id, before, versionsAtOnce)
		if err != nil {
			return err
		}
		for _, version := range found {
			if !visit(version) {
				return nil
			}
			before = version.Number
		}
		if len(found) < versionsAtOnce {
			return nil
		}
	}
}

// keySources gives for every top-level key of a file's metadata the version that brought its value.
func keySources(ctx context.Context, reader meta.VersionReader, scope satchel.Scope, file *satchel.File) (map[string]*satchel.Version, error) {
	wanted := file.Metadata.Keys()
	sources := make(map[string]*satchel.Version, len(wanted))
	if len(wanted) == 0 {
		return sources, nil
	}
	err := eachVersion(ctx, reader, scope, file.ID, func(version *satchel.Version) bool {
		for _, key := range version.Keys {
			if _, known := sources[key]; !known && slices.Contains(wanted, key) {
				sources[key] = version
			}
		}
		return len(sources) < len(wanted)
	})
	return sources, err
}

// personalKeys gives the top-level keys whose last change was a person's: those that are there, and those that went because the person took back
// what a model had done.
func personalKeys(ctx context.Context, reader meta.VersionReader, scope satchel.Scope, file *satchel.File) (keys []string, err error) {
	present, seen := file.Metadata.Keys(), map[string]bool{}
	err = eachVersion(ctx, reader, scope, file.ID, func(version *satchel.Version) bool {
		tookBack := version.Reverts > 0 || version.Restores > 0
		for _, key := range version.Keys {
			if !seen[key] && version.Model == "" && (tookBack || slices.Contains(present, key)) {
				keys = append(keys, key)
			}
			seen[key] = true
		}
		return true
	})
	return keys, err
}

// changedSince gives the top-level keys that versions behind one have changed.
func changedSince(ctx context.Context, reader meta.VersionReader, scope satchel.Scope, id satchel.FileID, since int64) ([]string, error) {
	var keys []string
	err := eachVersion(ctx, reader, scope, id, func(version *satchel.Version) bool {
		if version.Number <= since {
			return false
		}
		keys = append(keys, version.Keys...)
		return true
	})
	slices.Sort(keys)
	return slices.Compact(keys), err
}

// Sources gives a file and for every top-level key of its metadata the version that brought the value.
func (s *Service) Sources(ctx context.Context, scope satchel.Scope, id string) (*satchel.File, map[string]*satchel.Version, error) {
	file, err := s.File(ctx, scope, id)
	if err != nil {
		return nil, nil, err
	}
	sources, err := keySources(ctx, s.store, scope, file)
	return file, sources, err
}

// Versions gives at most limit versions of a file's metadata with numbers below before (0: from the newest on), newest first, and whether there
// are more.
func (s *Service) Versions(ctx context.Context, scope satchel.Scope, id string, before int64, limit int) (versions []*satchel.Version, more bool, err error) {
	file, err := s.File(ctx, scope, id)
	if err != nil {
		return nil, false, err
	}
	versions, err = s.store.Versions(ctx, scope, file.ID, before, limit+1)
	if len(versions) > limit {
		return versions[:limit], true, err
	}
	return versions, false, err
}

// Revert takes back the change of one version, as a version of its own. Keys that were changed since are left alone and named. CodeNothingToRevert
// if nothing remains, CodeNotFound if there is no such version.
func (s *Service) Revert(ctx context.Context, scope satchel.Scope, id string, number int64) (file *satchel.File, left []string, err error) {
	file, err = s.change(ctx, scope, id, "revertVersion", func(ctx context.Context, tx meta.Tx, file *satchel.File, note map[string]any) (satchel.Change, error) {
		before, after, err := states(ctx, tx, scope, file.ID, number)
		if err != nil {
			return satchel.Change{}, err
		}
		var edit satchel.Edit
		edit, left = inverse(before, after, file.Metadata)
		if edit.Empty() {
			return satchel.Change{}, satchel.Errorf(satchel.CodeNothingToRevert,
				"version %d has nothing left to take back: every key that it changed was changed again since, or it changed none", number)
		}
		note["reverts"] = number
		file.Metadata, err = file.Metadata.Apply(edit)
		file.MetadataVersion++
		return satchel.Change{User: scope.User, Edit: edit.String(), Reverts: number}, err
	})
	return file, left, err
}

// inverse gives the edit that leads from after back to before, for the keys that are now as they were after; left are the others.
func inverse(before, after, now satchel.Metadata) (edit satchel.Edit, left []string) {
	was, present := before.Object(), now.Object()
	changedSince := satchel.ChangedKeys(after, now)
	for _, key := range satchel.ChangedKeys(before, after) {
		if slices.Contains(changedSince, key) {
			left = append(left, key)
			continue
		}
		if _, ok := present[key]; ok {
			edit.Remove = append(edit.Remove, []string{key})
		}
		if value, ok := was[key]; ok {
			if edit.Set == nil {
				edit.Set = map[string]any{}
			}
			edit.Set[key] = value
		}
	}
	return edit, left
}

// Restore brings back the metadata as they were after a version, as a version of its own. CodeNothingToRevert if they are so already.
func (s *Service) Restore(ctx context.Context, scope satchel.Scope, id string, number int64) (*satchel.File, error) {
	return s.change(ctx, scope, id, "restoreVersion", func(ctx context.Context, tx meta.Tx, file *satchel.File, note map[string]any) (satchel.Change, error) {
		_, after, err := states(ctx, tx, scope, file.ID, number)
		if err != nil {
			return satchel.Change{}, err
		}
		if after == file.Metadata {
			return satchel.Change{}, satchel.Errorf(satchel.CodeNothingToRevert, "the metadata are as they were after version %d", number)
		}
		note["restores"] = number
		file.Metadata = after
		file.MetadataVersion++
		return satchel.Change{User: scope.User, Edit: after.String(), Replace: true, Restores: number}, nil
	})
}

func states(ctx context.Context, tx meta.Tx, scope satchel.Scope, id satchel.FileID, number int64) (before, after satchel.Metadata, err error) {
	before, after, err = tx.VersionStates(ctx, scope, id, number)
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return before, after, &satchel.Error{Code: satchel.CodeNotFound, Message: fmt.Sprintf("Version not found: %d", number), In: satchel.InPath, Param: "number"}
	}
	return before, after, err
}
