package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// credentials are what the CLI on the server's machine works with, as they stand in the credentials file.
type credentials struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	Data  string `json:"data,omitempty"` // the data folder of the server that wrote them, absolute
}

// credentialsFile is the path of the user's credentials file.
func credentialsFile() (string, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("credentials file: %w", err)
	}
	return filepath.Join(folder, "satchel", "credentials.json"), nil
}

// readCredentials gives what stands in the file; the zero value when there is none.
func (p *program) readCredentials() (credentials, error) {
	file, err := credentialsFile()
	if err != nil {
		return credentials{}, nil //nolint:nilerr // without a home there is no file
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return credentials{}, nil
	}
	if err != nil {
		return credentials{}, usagef("credentials file: %w", err)
	}
	var c credentials
	if err := json.Unmarshal(text, &c); err != nil {
		return credentials{}, usagef("credentials file %s: %w", file, err)
	}
	return c, nil
}

// write replaces the file: only its owner may read it, and it is never half there.
func (c credentials) write() error {
	file, err := credentialsFile()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("credentials file: %w", err)
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("credentials file: %w", err)
	}
	if err := renameio.WriteFile(file, append(text, '\n'), 0o600, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("credentials file: %w", err)
	}
	return nil
}

// errForeign says that the credentials file belongs to another server, whose token may stand nowhere else.
var errForeign = errors.New("it belongs to another server")

// saveCredentials keeps the credentials file up to date after a start: a first start writes it, a later one only follows the
// server's address. Credentials of a data folder that still exists, or of a server elsewhere, are never overwritten.
func (p *program) saveCredentials(own credentials) error {
	saved, err := p.readCredentials()
	if err != nil {
		return err
	}
	mine := saved.Data == own.Data
	switch {
	case own.Token == "" && (!mine || saved.URL == own.URL):
		return nil // not a first start, and nothing to follow
	case own.Token == "":
		own.Token = saved.Token
	case saved.Token != "" && !mine && (saved.Data == "" || exists(saved.Data)):
		return errForeign
	}
	return own.write()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
