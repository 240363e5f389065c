package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ownerName is the file that says whose the objects are. It is no key.
const ownerName = "owner"

// Ping asks the file system.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.FreeBytes(ctx)
	return err
}

// Claim implements blob.Claimer. The file appears with its content, under a name of its own until then: of two that claim at once one links it.
func (s *Store) Claim(_ context.Context, owner string) (string, error) {
	current, err := s.owner()
	if err != nil || current != "" || owner == "" {
		return current, err
	}
	if err := s.writeOwner(owner); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("diskblob: claim %s: %w", s.root, noted(err))
	}
	return s.owner()
}

// owner gives whose the folder is, "" if it is nobody's.
func (s *Store) owner() (string, error) {
	text, err := os.ReadFile(filepath.Join(s.root, ownerName))
	if err := s.missing(err); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("diskblob: look whose %s is: %w", s.root, err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (s *Store) writeOwner(owner string) error {
	file, err := os.CreateTemp(s.root, ownerName+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // its link stays
	_, err = file.WriteString(owner + "\n")
	if err := errors.Join(err, s.sync(file), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), filepath.Join(s.root, ownerName)); err != nil {
		return err
	}
	return s.syncFolder(s.root)
}
