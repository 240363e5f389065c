// Package backup_test has the programs of deploy/backup take backups of a cluster that is in use, and bring them back.
package backup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// folderVariable names the folder of the program under test, which is called satchel there.
const folderVariable = "BACKUP_PROGRAM"

// TestMain builds the program.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "satchel-backup-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	built := filepath.Join(folder, "satchel")
	if err := errors.Join(program.Build(context.Background(), built), os.Setenv(folderVariable, folder)); err != nil {
		panic(err)
	}
	m.Run() // its result is the exit status once this function returns
}
